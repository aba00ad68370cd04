import { afterAll, beforeAll, it } from 'vitest'
import { describeOnClusters, mustNotExist, project } from '../e2e/bed.ts'
import { killAndConverge, moments } from '../e2e/moments.ts'

const NAME = 'e2e-ten'

describeOnClusters('a create that is killed at ten moments', () => {
  const own = project(NAME)
  beforeAll(async () => {
    await mustNotExist(NAME)
    await own.ok('cluster', 'init', '--name', NAME, '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
  })
  afterAll(() => own.remove())

  it.each(moments)('when $title: the same command converges', (moment) => killAndConverge(own, moment))
})
