import { expect, it } from 'vitest'
import { formatDuration, formatSeconds, parseDuration, parseWait } from '../../../lib/base/duration.ts'

it.each([
  ['500ms', 500],
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['10.305464ms', 10.305464],
  ['3µs', 0.003],
])('reads %s', (text, ms) => {
  expect(parseDuration(text)).toBeCloseTo(ms, 9)
})

it.each(['', '5', 'm', '5 m', '-5m', '5x', '1h 30m'])('refuses %j', (text) => expect(parseDuration(text)).toBeUndefined())

it.each([
  ['1ms', 1],
  ['24h', 86_400_000],
])('waits %s', (text, ms) => expect(parseWait(text)).toBe(ms))
it.each(['0s', '0.5ms', '24h1s', '99999999999h', 'soon'])('waits neither %s', (text) => expect(parseWait(text)).toBeUndefined())

it('says seconds with one decimal, minutes from one minute on', () => {
  expect([0, 40, 1449, 59_949, 59_950, 61_000, 119_700].map(formatSeconds)).toEqual([
    '0.0 s',
    '0.0 s',
    '1.4 s',
    '59.9 s',
    '1m0s',
    '1m1s',
    '2m0s',
  ])
})

it('writes durations as they are typed', () => expect([300_000, 90_000, 250].map(formatDuration)).toEqual(['5m', '90s', '250ms']))
