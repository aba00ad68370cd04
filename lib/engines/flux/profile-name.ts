import type { Target } from '../../base/target.ts'

/** The layout of the controllers; a cluster that ksail did not make gets that of `flux install`. */
export const profileOf = ({ distribution, fluxProfile }: Pick<Target, 'distribution' | 'fluxProfile'>): Target['fluxProfile'] =>
  distribution === 'Existing' ? 'stock' : fluxProfile
