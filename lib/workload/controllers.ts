import type { Described } from '../artifact/facts.ts'
import type { Context } from '../base/context.ts'
import { KsailError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import type { KubeObject } from '../base/object.ts'
import type { Target } from '../base/target.ts'
import { engineOf } from '../engines/index.ts'
import { OWNER_NOTICE } from '../tools/kube-paths.ts'
import type { Kube } from '../tools/kube.ts'

/** Kinds whose controller comes when it is first needed. */
const LATE = new Set(['HelmRelease'])

/** Whether an object needs such a controller. */
export const isLate = ({ kind, group }: Described): boolean => LATE.has(kind) && group !== ''

const served = async (kube: Kube, { group, version }: Described): Promise<boolean> =>
  (await kube.get(`/apis/${group}/${version}`)) !== undefined

/**
 * Brings the controllers that a push needs for the first time, on a cluster that ksail made, before the tag moves: an engine that finds a
 * kind it does not know would call the push a failure.
 */
export const ensureControllers = async (ctx: Context, target: Target, objects: readonly Described[], kube: Kube): Promise<void> => {
  const late = objects.find(isLate)
  if (late === undefined || (await served(kube, late))) return
  if ((await kube.get(OWNER_NOTICE)) === undefined) {
    ctx.report({ kind: 'warn', text: `${late.kind} ${late.name} needs a controller that cluster ${target.name} does not have` })
    return
  }
  const engine = engineOf(target.engine)
  // a cluster that has no record here is reached by its kubeconfig only: nothing can be started beside it
  const runtime = target.provider === 'Auto' ? undefined : (await import('../distributions/index.ts')).runtimeOf(target).controllers
  const components = await engine.components(ctx, target)
  await step(ctx, `installing what ${late.kind} ${late.name} needs: ${components.join(', ')}`, async () => {
    const [{ parseAllDocuments }, yaml] = await Promise.all([
      import('yaml'),
      engine.controllers[runtime?.as ?? 'pods'].manifests(ctx, target, { components }),
    ])
    const documents = [parseAllDocuments(yaml)]
      .flat()
      .flatMap((document) => ('toJS' in document ? [document.toJS() as KubeObject | null] : []))
    await kube.apply(
      documents.filter((it) => it !== null),
      { fieldManager: 'flux', force: true },
    )
    // the API server takes a moment to serve a new kind
    for (let attempt = 0; !(await served(kube, late)); attempt++) {
      if (attempt === 100)
        throw new KsailError('timeout', `cluster ${target.name} does not serve ${late.kind} after 20 s`, {
          hint: 'run ksail cluster info to see what is down',
        })
      await ctx.sleep(200)
    }
    if (runtime?.as === 'processes') await runtime.start(ctx, target.name, components, target)
  })
}
