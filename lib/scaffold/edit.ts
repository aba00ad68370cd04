import { isCollection, isNode, parseDocument } from 'yaml'

/** A place in a YAML file and what belongs there; undefined takes it out. */
export type Edit = readonly [path: readonly (string | number)[], value: unknown]

/** Sets values by path; comments, quotes and order of the rest stay as they are. */
export const editYaml = (text: string, edits: readonly Edit[]): string => {
  if (edits.length === 0) return text
  const document = parseDocument(text)
  for (const [path, value] of edits) {
    if (value === undefined) {
      document.deleteIn(path)
      continue
    }
    // an empty `{}` or `[]` that gets content is written out, one line for each key
    for (let depth = 0; depth <= path.length; depth++) {
      const node: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
      if (isCollection(node) && node.items.length === 0) node.flow = false
    }
    const old: unknown = document.getIn(path, true)
    const node = typeof value === 'object' ? document.createNode(value) : value
    if (isNode(old) && isNode(node) && old.comment !== undefined) node.commentBefore = old.comment
    document.setIn(path, node)
  }
  return document.toString({ lineWidth: 0 })
}
