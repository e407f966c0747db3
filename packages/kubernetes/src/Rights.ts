/**
 * Answers: which rights does which duty need, and which request does a right stand for? Rights are data: requests are
 * made from them, refusals name them, and a chart can render its roles from them. Source: spec 08 §1.
 */

/** One thing that may be done at the API server, as RBAC puts it. */
export interface Right {
  readonly verb: "get" | "list" | "patch" | "create"
  /** API group; blank for the core group. */
  readonly apiGroup: "" | "apps" | "coordination.k8s.io"
  /** Resource in the plural, with its subresource behind a slash: `nodes/proxy`. */
  readonly resource: string
  /** Where it has to be granted: for the whole cluster, in our own namespace, or in the one that is named. */
  readonly scope: "cluster" | "own-namespace" | { readonly namespace: string }
  /** What cannot be done without it, as a clause. */
  readonly without: string
}

/** Every right that is ever used, by name. */
export const rights = {
  readNode: {
    verb: "get",
    apiGroup: "",
    resource: "nodes",
    scope: "cluster",
    without: "neither the CRI runtime's version nor the labels of the node are known",
  },
  patchNode: {
    verb: "patch",
    apiGroup: "",
    resource: "nodes",
    scope: "cluster",
    without: "the node cannot be labelled, and its startup taints stay",
  },
  readOwnDaemonSet: {
    verb: "get",
    apiGroup: "apps",
    resource: "daemonsets",
    scope: "own-namespace",
    without: "an update cannot be told from an uninstall, so nothing is cleaned up",
  },
  listDaemonSets: {
    verb: "list",
    apiGroup: "apps",
    resource: "daemonsets",
    scope: "cluster",
    without: "it is not known whether an older kata-deploy shares the node",
  },
  readNodeLease: {
    verb: "get",
    apiGroup: "coordination.k8s.io",
    resource: "leases",
    scope: { namespace: "kube-node-lease" },
    without: "readiness is judged by the node's status alone, which is up to five minutes old",
  },
  readKubeletConfig: {
    verb: "get",
    apiGroup: "",
    resource: "nodes/proxy",
    scope: "cluster",
    without: "no advice can be given on the kubelet's runtimeRequestTimeout",
  },
  createEvent: {
    verb: "create",
    apiGroup: "",
    resource: "events",
    scope: { namespace: "default" },
    without: "nothing is told on the node object",
  },
} as const satisfies Readonly<Record<string, Right>>

/** Name of a right. */
export type RightName = keyof typeof rights

/** The right of that name. */
export const rightOf = (name: RightName): Right => rights[name]

/**
 * What a process is there for: a pod of the DaemonSet installs, stays, and cleans up at its end; `install` and `cleanup`
 * end when they are done; a stage leaves the API to whoever dispatches it; `look` is plan and status.
 */
export type Duty = "daemon-set" | "install" | "cleanup" | "staged" | "look"

/** What is nice to have: each adds one right, and nothing fails without it. */
export type Extra = "events" | "kubelet-config" | "node-lease"

const needed: Readonly<Record<Duty, ReadonlyArray<RightName>>> = {
  "daemon-set": ["readNode", "patchNode", "readOwnDaemonSet", "listDaemonSets"],
  install: ["readNode", "patchNode"],
  cleanup: ["readNode", "patchNode", "readOwnDaemonSet", "listDaemonSets"],
  staged: [],
  look: ["readNode", "readOwnDaemonSet", "listDaemonSets"],
}

const added: Readonly<Record<Extra, RightName>> = {
  events: "createEvent",
  "kubelet-config": "readKubeletConfig",
  "node-lease": "readNodeLease",
}

/** The least rights of a duty; a stage has none, whatever extras are asked for. */
export const leastRights = (duty: Duty, extras: ReadonlyArray<Extra> = []): ReadonlyArray<RightName> =>
  duty === "staged" ? [] : [...needed[duty], ...extras.map((extra) => added[extra])]

/** The namespace that a right is granted in, or `undefined` for the whole cluster. */
export const namespaceOf = (right: Right, ownNamespace: string): string | undefined => {
  if (right.scope === "cluster") return undefined
  return right.scope === "own-namespace" ? ownNamespace : right.scope.namespace
}

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}

/** The rules of one role; a ClusterRole where `namespace` is `undefined`. */
export interface RoleRules {
  readonly namespace: string | undefined
  readonly rules: ReadonlyArray<PolicyRule>
}

/** The rule that grants one right and nothing else. */
export const ruleOf = (right: Right): PolicyRule => ({
  apiGroups: [right.apiGroup],
  resources: [right.resource],
  verbs: [right.verb],
})

/** The roles that grant these rights: one per namespace and one for the cluster, verbs of a resource together. */
export const rolesOf = (names: ReadonlyArray<RightName>, ownNamespace: string): ReadonlyArray<RoleRules> => {
  const roles = new Map<string | undefined, Array<PolicyRule>>()
  for (const right of names.map(rightOf)) {
    const namespace = namespaceOf(right, ownNamespace)
    const rules = roles.get(namespace) ?? []
    roles.set(namespace, rules)
    const at = rules.findIndex(
      (rule) => rule.apiGroups[0] === right.apiGroup && rule.resources[0] === right.resource,
    )
    const rule = rules[at]
    if (rule === undefined) rules.push(ruleOf(right))
    else rules[at] = { ...rule, verbs: [...new Set([...rule.verbs, right.verb])] }
  }
  return [...roles].map(([namespace, rules]) => ({ namespace, rules }))
}

/** What a request is about, beside its right. */
export interface Target {
  /** Name of the object; lists and creations have none. */
  readonly name?: string
  /** What follows behind a subresource: `configz` behind `nodes/NAME/proxy`. */
  readonly tail?: string
}

const methods = { get: "GET", list: "GET", patch: "PATCH", create: "POST" } as const

/** The HTTP method that a right stands for. */
export const methodOf = (right: Right): (typeof methods)[Right["verb"]] => methods[right.verb]

/** The path that a right stands for; nothing else makes paths, so no request is outside the rights. */
export const pathOf = (right: Right, target: Target, ownNamespace: string): string => {
  const [resource = "", subresource] = right.resource.split("/")
  const namespace = namespaceOf(right, ownNamespace)
  return [
    right.apiGroup === "" ? "/api/v1" : `/apis/${right.apiGroup}/v1`,
    ...(namespace === undefined ? [] : ["namespaces", encodeURIComponent(namespace)]),
    resource,
    ...(target.name === undefined ? [] : [encodeURIComponent(target.name)]),
    ...(subresource === undefined ? [] : [subresource]),
    ...(target.tail === undefined ? [] : [target.tail]),
  ].join("/")
}
