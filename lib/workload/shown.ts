import { formatCommand } from '../io/exec.ts'
import { immutableTag } from './send.ts'
import type { Remote } from './remote.ts'

/** The command that sends an artifact, as it could be pasted: the file with the credentials is gone by then and is only hinted at. */
export const shownCopy = (
  { folder, digest }: { readonly folder: string; readonly digest: string },
  { repository, access }: Pick<Remote, 'repository' | 'access'>,
  tags: readonly string[],
): string =>
  [
    formatCommand('oras', ['cp', '--from-oci-layout', `${folder}@${digest}`, `${repository}:${[immutableTag(digest), ...tags].join(',')}`]),
    ...(access.plainHttp === true ? ['--to-plain-http'] : []),
    ...(access.config === undefined ? [] : ['--to-registry-config FILE']),
  ].join(' ')
