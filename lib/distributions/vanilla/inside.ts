import { ExecError, KsailError, lastLines } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import * as docker from '../../tools/docker.ts'

/**
 * Waits for the API server of a node that kind is still configuring, then applies what stands on stdin. super-admin.conf exists before the
 * role binding that admin.conf needs. The readiness look is a file and a socket first: starting kubectl takes a tenth of a second of processor.
 */
const SCRIPT = `
manifests=$(cat)
conf() { [ -s /etc/kubernetes/super-admin.conf ] && echo /etc/kubernetes/super-admin.conf || echo /etc/kubernetes/admin.conf; }
until [ -s /etc/kubernetes/admin.conf ] && (exec 3<>/dev/tcp/127.0.0.1/6443) 2>/dev/null; do sleep 0.1; done
export KUBECONFIG=$(conf)
until kubectl --server=https://127.0.0.1:6443 get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done
tries=0
until out=$(printf '%s' "$manifests" | kubectl --server=https://127.0.0.1:6443 apply --server-side --force-conflicts --field-manager="$1" -f - 2>&1); do
  tries=$((tries + 1))
  case "$out" in
    *"no matches for kind"*|*"not found"*|*"connection refused"*|*"etcdserver"*|*"could not find the requested resource"*|*EOF*|*"timeout"*|*"ServiceUnavailable"*) [ $tries -lt 100 ] || { printf '%s\\n' "$out" >&2; exit 1; } ;;
    *) printf '%s\\n' "$out" >&2; exit 1 ;;
  esac
  sleep 0.2
done
printf '%s\\n' "$out"
`

/** Applies manifests from inside a node, with the node's own kubectl. Ends when they are applied; the node may still be booting. */
export const applyInside = async (
  ctx: Context,
  node: string,
  yaml: string,
  { manager, signal }: { readonly manager: string; readonly signal: AbortSignal },
): Promise<void> => {
  try {
    await docker.execIn(ctx, node, ['bash', '-c', SCRIPT, 'apply', manager], { input: yaml, signal, timeout: 10 * 60_000 })
  } catch (error) {
    if (!(error instanceof ExecError) || error.code !== 'exec') throw error
    throw new KsailError('failed', `manifests could not be applied in ${node}`, {
      details: lastLines(error.result.stderr, 10),
      cause: error,
    })
  }
}
