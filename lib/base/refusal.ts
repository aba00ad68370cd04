import { KsailError, messageOf, type ErrorCode } from './errors.ts'

const OTHER_PLACE = 'change its permissions, or name another place with HOME, XDG_STATE_HOME, XDG_CACHE_HOME or KUBECONFIG'

/** What the operating system refused, in words: why, what to do, and whose fault it is. */
const REFUSALS: Readonly<Record<string, { readonly why: string; readonly hint: string; readonly code?: ErrorCode }>> = {
  EACCES: { why: 'this user may not', hint: OTHER_PLACE },
  EPERM: { why: 'the system does not permit it', hint: OTHER_PLACE },
  EROFS: { why: 'its file system is read-only', hint: 'name another place with HOME, XDG_STATE_HOME, XDG_CACHE_HOME or KUBECONFIG' },
  ENOSPC: { why: 'no space is left on its disk', hint: 'make room there, then run the command again' },
  EDQUOT: { why: 'the quota of this user is used up', hint: 'make room there, then run the command again' },
  EEXIST: { why: 'what has that name is no folder', hint: 'move it away, or correct the path', code: 'config' },
  EMFILE: { why: 'this process may not open more files', hint: 'raise the limit of open files (ulimit -n)' },
  EISDIR: { why: 'it is a folder, not a file', hint: 'move it away, or name another file', code: 'config' },
  ENOTDIR: { why: 'a part of that path is a file, not a folder', hint: 'correct the path', code: 'config' },
  ELOOP: { why: 'its symbolic links lead in a circle', hint: 'correct the link', code: 'config' },
  ENAMETOOLONG: { why: 'that name is too long for the file system', hint: 'use a shorter path', code: 'config' },
}

/** What stands above a folder is there, and takes none. */
const NO_FOLDERS: (typeof REFUSALS)[string] = {
  why: 'no folder can be made there',
  hint: 'name another place with HOME, XDG_STATE_HOME, XDG_CACHE_HOME or KUBECONFIG',
}

/** Calls of the system, as what was meant by them; `open` is meant to read as often as to write. */
const CALLS: Readonly<Record<string, string>> = {
  access: 'use',
  copyfile: 'write',
  lstat: 'look at',
  mkdir: 'make the folder',
  read: 'read',
  rename: 'write',
  rmdir: 'remove',
  scandir: 'read the folder',
  stat: 'look at',
  symlink: 'write',
  unlink: 'remove',
  write: 'write',
}

const rowOf = ({ syscall, code = '' }: NodeJS.ErrnoException) => (syscall === 'mkdir' && code === 'ENOENT' ? NO_FOLDERS : REFUSALS[code])

/** Why the operating system refused something, in words; undefined for what it does not refuse. */
export const whyRefused = (error: NodeJS.ErrnoException): string | undefined =>
  error.syscall === undefined ? undefined : rowOf(error)?.why

/** What the operating system refused, as the error that is shown: to what, why, and what to do. */
export const refusalOf = (error: NodeJS.ErrnoException & { readonly dest?: string | undefined }): KsailError => {
  const refusal = rowOf(error)
  const path = error.dest ?? error.path
  const said = refusal === undefined || path === undefined
  const message = said ? messageOf(error) : `cannot ${CALLS[error.syscall ?? ''] ?? 'open'} ${path}: ${refusal.why}`
  return new KsailError(refusal?.code ?? 'failed', message, { cause: error, hint: refusal?.hint })
}
