/** Work that is begun when it is first asked for; what was begun is kept in a list. */
export const once = <T>(all: Promise<unknown>[], work: () => Promise<T>): (() => Promise<T>) => {
  let begun: Promise<T> | undefined
  return () => {
    if (begun === undefined) {
      begun = work()
      all.push(begun)
      // whoever needs it awaits it
      begun.catch(() => undefined)
    }
    return begun
  }
}
