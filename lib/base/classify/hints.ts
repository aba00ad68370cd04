import type { ErrorCode } from '../errors.ts'

interface Hint {
  readonly text: string
  /** Code of the error when it is not the one of its class. */
  readonly code?: ErrorCode
}

/** What to do about a failure, by the words that its rule names. HOST and REPO are filled in. */
export const HINTS: Readonly<Record<string, Hint>> = {
  'docker login': {
    text: 'not logged in to HOST, or HOST rejects the login: run docker login HOST and try again (for a public image an old login does this too: docker logout HOST)',
  },
  'packages: write': {
    text: 'the workflow token may not write packages: add "permissions: packages: write" to the job; the workflow permissions of the organization must allow it',
  },
  'Manage Actions access': {
    text: 'the package exists but this repository may not write it: open Package settings, Manage Actions access, and add the repository with Write',
  },
  'write:packages': { text: 'the personal token lacks the write:packages scope: make one that has it' },
  permission: {
    text: 'the account lacks the permission to push to REPO on HOST: check its role (ECR: ecr:InitiateLayerUpload, GAR: roles/artifactregistry.writer, ACR: AcrPush)',
  },
  expired: { text: 'the registry token has expired: log in to HOST again (ECR tokens last 12 h)' },
  'rate limit': { text: 'HOST has a rate limit that was reached: lower the number of parallel pushes, or push again later' },
  'try again': { text: 'HOST answered with a server error, nothing is wrong with your files: try again later' },
  network: { text: 'the connection to HOST broke: check the network, the VPN and the spelling of HOST', code: 'unreachable' },
  'timed out': {
    text: 'the connection to HOST timed out: check the network and the VPN, or give it longer with KSAIL_PUSH_TIMEOUT',
    code: 'unreachable',
  },
  DNS: { text: 'DNS does not know the name HOST: check its spelling, the network and the VPN', code: 'unreachable' },
  'is the registry running': {
    text: 'nothing listens at HOST: is the registry running? See ksail cluster info; ksail cluster create makes a local one',
    code: 'unreachable',
  },
  proxy: { text: 'a proxy stands between: check HTTPS_PROXY and its login; local registries belong into NO_PROXY', code: 'unreachable' },
  'plain HTTP': { text: 'HOST speaks plain HTTP: say so with --plain-http, or fix the host' },
  certificate: {
    text: 'the certificate of HOST is not trusted, or is for another name: install the CA (SSL_CERT_FILE) or fix the host name',
  },
  'not a registry': { text: 'HOST answers but is not a registry: check host, port and path', code: 'unreachable' },
  'create the repository': {
    text: 'HOST does not create REPO by itself (ECR, Harbor project, GAR repository): create the repository first',
  },
  lowercase: {
    text: 'use lowercase a-z 0-9 . _ / - and at most 255 characters for the repository, at most 128 for the tag (${{ github.repository_owner }} may have capitals)',
  },
  immutable: { text: 'the tag exists and is immutable: push a new tag', code: 'conflict' },
  locked: { text: 'the repository or image is locked: unlock it in the registry', code: 'conflict' },
  quota: { text: 'the storage quota or plan limit of HOST is reached: delete old versions or raise it' },
  disk: { text: 'free space on the disk of the registry; what Docker takes is shown by docker system df' },
  'too large': { text: 'the artifact is too large for HOST or a proxy before it: check what is in the folder with --dry-run' },
  'does not support': {
    text: 'HOST does not support this operation or OCI artifacts of this type (an old registry, a pull-through cache, read-only mode): use another registry',
  },
  firewall: { text: 'the firewall of HOST does not admit this address: ask its owner', code: 'unreachable' },
  'config.json': { text: 'mend config.json of Docker (~/.docker, or DOCKER_CONFIG)' },
  'credential helper': {
    text: 'mend the credential helper (credsStore or credHelpers) that config.json of Docker names: install it, or remove the entry',
  },
  cancelled: { text: 'cancelled on request: nothing more was sent', code: 'interrupted' },
  install: { text: 'install TOOL, or set its KSAIL_TOOL_ variable to the path of it', code: 'tool' },
  'docker group': { text: 'add yourself to the docker group and log in again, or use rootless Docker', code: 'unreachable' },
  'Is Docker running': {
    text: 'Is Docker running? Start Docker Desktop, or systemctl start docker; rootless: set DOCKER_HOST',
    code: 'unreachable',
  },
  DOCKER_HOST: { text: 'check DOCKER_HOST: nobody answers there', code: 'unreachable' },
  'docker context': { text: 'run docker context use default: the current docker context names nothing' },
  '--password-stdin': { text: 'log in with --password-stdin: there is no terminal to type on' },
  port: { text: 'free the port, or name another one for the registry', code: 'conflict' },
  'already in use': { text: 'a container of that name is already in use: reuse it or remove it', code: 'conflict' },
  inotify: { text: 'raise the inotify limits: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512' },
  cgroup: { text: 'give Docker cgroup v2 with delegation, see https://kind.sigs.k8s.io/docs/user/rootless/' },
  'daemon.json': { text: 'remove "init": true from daemon.json of Docker' },
  'kind export logs': { text: 'the node did not start: look for memory, disk and kernel with kind export logs' },
  'already exists': { text: 'a cluster of that name already exists: ksail cluster delete removes it', code: 'conflict' },
  'no cluster': { text: 'there is no cluster of that name: ksail cluster list shows those that exist', code: 'unreachable' },
  image: { text: 'the image is not there: check its name, or pull it first' },
  'kind.yaml': { text: 'mend kind.yaml' },
  'cluster name': { text: 'choose a cluster name of lowercase letters, digits and -' },
  kubeconfig: { text: 'check the kubeconfig: it is missing, broken, or of an earlier cluster of the same name' },
  context: { text: 'choose a context that exists: kubectl config get-contexts lists them' },
  'cluster is not running': { text: 'the cluster is not running: ksail cluster start starts it', code: 'unreachable' },
  RBAC: { text: 'RBAC of the cluster does not allow this to the user of the context' },
  Flux: { text: 'Flux is not installed, or older than 2.6: ksail cluster create installs it' },
  manifest: { text: 'mend the manifest that the message names' },
  'kustomization.yaml': { text: 'mend the kustomization.yaml that the message names' },
  namespace: { text: 'create the namespace first, or put it into the manifests' },
  terminating: { text: 'the namespace is terminating: wait until it is gone' },
  '.sops.yaml': { text: 'add a creation rule for this path to .sops.yaml' },
  SOPS_AGE_KEY: { text: 'SOPS_AGE_KEY holds no age key: it takes the key itself, SOPS_AGE_KEY_FILE its path' },
  SOPS_AGE_KEY_FILE: { text: 'no key at hand decrypts the file: set SOPS_AGE_KEY_FILE to the file that holds the age key' },
  edited: { text: 'the file was edited by hand after it was encrypted: restore it, then edit it with sops' },
  'not encrypted': { text: 'the file is not encrypted: sops encrypt --in-place encrypts it' },
  'already encrypted': { text: 'the file is already encrypted: sops edit changes it' },
  'no changes': { text: 'no changes were made' },
  recipient: { text: 'check the age recipient: it starts with age1' },
  EDITOR: { text: 'set EDITOR to an editor that is installed', code: 'tool' },
  YAML: { text: 'mend the YAML of the file' },
  file: { text: 'name a file' },
  'not found': { text: 'it was not found: check its name' },
  suspended: { text: 'the object is suspended: flux resume resumes it' },
  path: { text: 'the path does not exist: check it' },
  '--source': { text: 'a flag such as --source was missing, which is a bug in ksail: report it', code: 'bug' },
  'oci://': { text: 'write the reference with its scheme, oci://host/repository:tag' },
  tag: { text: 'the tag does not exist: check it' },
}
