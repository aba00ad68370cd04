/** What people may choose. The plug-in tables have exactly these rows; `later` are names of the contract that this version does not know how to do. */
export const distributionNames = ['Vanilla'] as const
export const providerNames = ['Auto', 'Docker', 'Host'] as const
export const engineNames = ['None', 'Flux'] as const
/** What a new project gets where nobody names another. */
export const usual = { distribution: 'Vanilla', engine: 'Flux' } as const satisfies {
  readonly distribution: (typeof distributionNames)[number]
  readonly engine: (typeof engineNames)[number]
}
export const fluxProfiles = ['local', 'stock'] as const

export const later = {
  distribution: ['Talos', 'Existing'],
  provider: ['Hetzner'],
  engine: ['ArgoCD'],
} as const
