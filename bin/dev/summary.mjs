// vitest's JSON → the failing tests with their messages, and the closing line `N passed, N failed`
import { readFileSync } from 'node:fs'
import process from 'node:process'

const [file, stagesFailed = '0'] = process.argv.slice(2)
const out = (text) => process.stdout.write(`${text}\n`)
const firstLines = (text, count) =>
  text
    .split('\n')
    .slice(0, count)
    .map((line) => `    ${line}`)
    .join('\n')

let report
try {
  report = JSON.parse(readFileSync(file, 'utf8'))
} catch {
  report = undefined
}

let passed = 0
let failed = Number(stagesFailed)
let skipped = 0
if (report === undefined) {
  out('✗ the tests left no result')
  failed += 1
} else {
  const spans = new Map()
  for (const { name, status, message, assertionResults, startTime, endTime } of report.testResults) {
    const path = name.replace(`${process.cwd()}/`, '')
    const [, folder] = path.split('/')
    const { begin, end, files } = spans.get(folder) ?? { begin: startTime, end: endTime, files: 0 }
    spans.set(folder, { begin: Math.min(begin, startTime), end: Math.max(end, endTime), files: files + 1 })
    for (const test of assertionResults) {
      if (test.status === 'passed') passed += 1
      else if (test.status === 'failed') {
        failed += 1
        out(`✗ ${path} > ${test.fullName}\n${test.failureMessages.map((text) => firstLines(text, 25)).join('\n')}`)
      } else {
        // what needs real programs finds them all in the test bed: skipped there is tested nowhere
        if (/^test\/(e2e|host|registry)\//.test(path)) skipped += 1
        out(`- skipped: ${path} > ${test.fullName}`)
      }
    }
    // a file that could not be loaded, or whose setup failed, has no test that says so
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) {
      failed += 1
      out(`✗ ${path}\n${firstLines(message, 25)}`)
    }
  }
  for (const [folder, { begin, end, files }] of [...spans].toSorted(([, a], [, b]) => a.begin - b.begin))
    out(`  test/${folder}: ${files} files in ${((end - begin) / 1000).toFixed(0)} s`)
  if (passed === 0 && failed === 0) {
    out('✗ no test ran')
    failed += 1
  }
  if (!report.success && failed === 0) {
    out('✗ vitest reports an error outside of the tests')
    failed += 1
  }
}
if (skipped > 0) out(`✗ ${skipped} skipped, although the test bed provides what they need`)
out(`${passed} passed, ${failed + skipped} failed`)
process.exitCode = failed + skipped > 0 ? 1 : 0
