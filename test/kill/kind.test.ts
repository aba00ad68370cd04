import { afterAll, beforeAll, it } from 'vitest'
import { describeOnKind, kindProject, mustNotExist } from '../e2e/bed.ts'
import { killAndConverge, moments } from '../e2e/moments.ts'

const NAME = 'e2e-ten'

describeOnKind('a create that is killed at ten moments', () => {
  const own = kindProject(NAME)
  beforeAll(async () => {
    await mustNotExist(NAME)
    await own.ok('cluster', 'init', '--name', NAME, '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
  })
  afterAll(() => own.remove())

  it.each(moments)('when $title: the same command converges', (moment) => killAndConverge(own, moment))
})
