/** A promise that is settled from outside. Its failure is never called unhandled: whoever needs it awaits it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

export const deferred = <T>(): Deferred<T> => {
  let settle!: Pick<Deferred<T>, 'resolve' | 'reject'>
  const promise = new Promise<T>((resolve, reject) => void (settle = { resolve, reject }))
  promise.catch(() => undefined)
  return { promise, ...settle }
}
