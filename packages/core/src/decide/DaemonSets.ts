/**
 * Answers: does a DaemonSet want this node? Mere existence is not enough: a node that drops out of the selection
 * would look like a rolling update. Taints, tolerations and preferred affinity do not count. Source: spec 08 §4.
 */

/** One requirement of a node selector term. */
export interface Requirement {
  readonly key: string
  readonly operator: string
  readonly values?: ReadonlyArray<string> | undefined
}

/** One alternative of the required node affinity. */
export interface NodeSelectorTerm {
  readonly matchExpressions?: ReadonlyArray<Requirement> | undefined
  readonly matchFields?: ReadonlyArray<Requirement> | undefined
}

/** What of a pod template decides on nodes. */
export interface NodeSelection {
  readonly nodeSelector: Readonly<Record<string, string>>
  /** Terms of the required node affinity; `undefined` where there is none. */
  readonly requiredTerms: ReadonlyArray<NodeSelectorTerm> | undefined
}

/** What of a Node is selected by. */
export interface SelectedNode {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

const integer = (text: string | undefined): bigint | undefined => {
  if (text === undefined || !/^[+-]?\d{1,19}$/.test(text)) return undefined
  const number = BigInt(text.replace(/^\+/, ""))
  return BigInt.asIntN(64, number) === number ? number : undefined
}

const holds = (requirement: Requirement, value: string | undefined): boolean => {
  const values = requirement.values ?? []
  switch (requirement.operator) {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
    case "Gt":
    case "Lt": {
      const ours = integer(value)
      const bound = integer(values[0])
      if (ours === undefined || bound === undefined) return false
      return requirement.operator === "Gt" ? ours > bound : ours < bound
    }
    default:
      return false
  }
}

const own = (labels: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined

const termMatches = (term: NodeSelectorTerm, node: SelectedNode): boolean => {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  return (
    expressions.length + fields.length > 0 &&
    expressions.every((requirement) => holds(requirement, own(node.labels, requirement.key))) &&
    fields.every((requirement) => requirement.key === "metadata.name" && holds(requirement, node.name))
  )
}

/** Whether a pod template may run on the node; no template selects nothing. */
export const selectsNode = (template: NodeSelection | undefined, node: SelectedNode): boolean =>
  template !== undefined &&
  Object.entries(template.nodeSelector).every(([key, value]) => own(node.labels, key) === value) &&
  (template.requiredTerms === undefined || template.requiredTerms.some((term) => termMatches(term, node)))

/** A DaemonSet as far as the questions below go by it. */
export interface SeenDaemonSet {
  readonly name: string
  readonly uid: string
  /** Whether it has a deletion timestamp: with foreground deletion it is still there while its pods stop. */
  readonly deleting: boolean
  /** Whether it selects this node. */
  readonly selects: boolean
  /** Images of its containers. */
  readonly images: ReadonlyArray<string>
}

/** Whether our own DaemonSet (by exact name, in our namespace) still wants this node. */
export const ownWantsNode = (daemonSet: Pick<SeenDaemonSet, "deleting" | "selects"> | undefined): boolean =>
  daemonSet !== undefined && !daemonSet.deleting && daemonSet.selects

/** The repository part of an image reference, without registry port, tag and digest. */
const repository = (image: string): string => image.replace(/@.*$/, "").replace(/:[^/:]*$/, "")

/**
 * Whether this is a kata-deploy DaemonSet: by its name, as charts call it, or by the image that it runs. Installs
 * older than the marks leave no other trace on the node (spec 12 W-29).
 */
export const isKataDeploy = (daemonSet: Pick<SeenDaemonSet, "name" | "images">): boolean =>
  daemonSet.name.includes("kata-deploy") ||
  daemonSet.images.some((image) => repository(image).split("/").at(-1)!.includes("kata-deploy"))

/** The names of kata-deploy DaemonSets other than our own one that want this node; ours may be gone. */
export const othersWantingNode = (
  daemonSets: ReadonlyArray<SeenDaemonSet>,
  ownUid: string | undefined,
): ReadonlyArray<string> =>
  daemonSets.filter((d) => !d.deleting && d.selects && d.uid !== ownUid && isKataDeploy(d)).map((d) => d.name)
