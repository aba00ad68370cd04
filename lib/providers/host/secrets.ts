import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { stringify } from 'yaml'
import { exists, readText, writeText } from '../../io/files.ts'
import { inUnit, type Unit } from './unit.ts'

export const TOKENS = 'secret/tokens.csv'
export const SIGNING_KEY = 'secret/service-accounts.key'
export const VERIFYING_KEY = 'secret/service-accounts.pub'
/** Where the API server writes the certificate that it signs itself. */
export const CERTIFICATES = 'secret/api'
export const CERTIFICATE = `${CERTIFICATES}/apiserver.crt`
export const ADMIN_CONFIG = 'secret/admin.kubeconfig'

/** Makes what the control plane needs to know its users: one token for its owner and the key pair of service accounts. Kept when there. */
export const ensureSecrets = async (unit: Unit): Promise<void> => {
  if (!(await exists(inUnit(unit, TOKENS))))
    await writeText(inUnit(unit, TOKENS), `${randomBytes(32).toString('base64url')},admin,admin,system:masters\n`, 0o600)
  if (await exists(inUnit(unit, SIGNING_KEY))) return
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await writeText(inUnit(unit, VERIFYING_KEY), publicKey, 0o600)
  await writeText(inUnit(unit, SIGNING_KEY), privateKey, 0o600)
}

/** How its owner reaches the API of a unit. */
export interface ApiAccess {
  readonly server: string
  /** PEM of the API server's certificate and of the authority that signed it. */
  readonly certificate: string
  readonly token: string
}

/** undefined while the API server has not written its certificate. */
export const readAccess = async (unit: Unit, port: number): Promise<ApiAccess | undefined> => {
  const [certificate, tokens] = await Promise.all([readText(inUnit(unit, CERTIFICATE)), readText(inUnit(unit, TOKENS))])
  const token = tokens?.split(',')[0]
  // the file is written in one go, but a reader may come between its making and its writing
  if (certificate === undefined || !certificate.trimEnd().endsWith('-----END CERTIFICATE-----') || token === undefined || token === '')
    return undefined
  return { server: `https://127.0.0.1:${port}`, certificate, token }
}

/** The kubeconfig of the controllers. */
export const writeAdminConfig = async (unit: Unit, { server, certificate, token }: ApiAccess): Promise<void> => {
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'admin',
    clusters: [{ name: 'admin', cluster: { server, 'certificate-authority-data': Buffer.from(certificate).toString('base64') } }],
    contexts: [{ name: 'admin', context: { cluster: 'admin', user: 'admin' } }],
    users: [{ name: 'admin', user: { token } }],
  })
  if ((await readText(inUnit(unit, ADMIN_CONFIG))) !== text) await writeText(inUnit(unit, ADMIN_CONFIG), text, 0o600)
}
