/**
 * Answers: which labels does the Node get? The shared label says that Kata can run there, the mark of each instance
 * says whether that instance serves. Each answer names only the keys concerned. Source: spec 08 §2; decisions §1.
 */
import type { LabelUpdates } from "../ports/NodeApi.ts"

/** The label that RuntimeClasses select; shared by all instances. */
export const sharedLabel = "katacontainers.io/kata-runtime"

const markPrefix = "kata-deploy.katacontainers.io/"

/** The label of one instance (`default` or the suffix). */
export const markOf = (instance: string): string => `${markPrefix}${instance}`

/** Instances that have a mark on a node. */
export const instancesIn = (labels: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.keys(labels).flatMap((key) => (key.startsWith(markPrefix) ? [key.slice(markPrefix.length)] : []))

type Labels = Readonly<Record<string, string>>

const differing = (labels: Labels, wanted: LabelUpdates): LabelUpdates =>
  Object.fromEntries(Object.entries(wanted).filter(([key, value]) => (labels[key] ?? null) !== value))

/** Before the host is touched: both labels say `false` unless they exist, so that an uninstall finds the node. */
export const claim = (labels: Labels, instance: string): LabelUpdates =>
  Object.fromEntries(
    [sharedLabel, markOf(instance)].flatMap((key) => (labels[key] === undefined ? [[key, "false"]] : [])),
  )

/** When the handlers are served: both labels say `true`. */
export const promote = (labels: Labels, instance: string): LabelUpdates =>
  differing(labels, { [sharedLabel]: "true", [markOf(instance)]: "true" })

/**
 * What the marks of other instances say of the shared label once ours is gone. Installs older than the marks leave
 * none: where the last mark is ours, a kata-deploy DaemonSet that selects this node (`unmarked`) speaks for one.
 */
export const sharedVerdict = (
  labels: Labels,
  instance: string,
  unmarked: ReadonlyArray<string> = [],
): "keep" | "demote" | "remove" => {
  const others = Object.entries(labels).filter(
    ([key]) => key.startsWith(markPrefix) && key !== markOf(instance),
  )
  if (others.length === 0) return unmarked.length > 0 ? "keep" : "remove"
  return others.some(([, value]) => value !== "false") ? "keep" : "demote"
}

/** Before a cleanup touches the host: our mark says `false`, and so does the shared label unless another serves. */
export const demote = (
  labels: Labels,
  instance: string,
  unmarked: ReadonlyArray<string> = [],
): LabelUpdates =>
  differing(labels, {
    ...(labels[markOf(instance)] === undefined ? {} : { [markOf(instance)]: "false" }),
    ...(labels[sharedLabel] === undefined || sharedVerdict(labels, instance, unmarked) === "keep"
      ? {}
      : { [sharedLabel]: "false" }),
  })

/** After a cleanup that had no failure: our mark goes, the shared label follows the marks of the others. */
export const release = (
  labels: Labels,
  instance: string,
  unmarked: ReadonlyArray<string> = [],
): LabelUpdates => {
  const verdict = sharedVerdict(labels, instance, unmarked)
  return differing(labels, {
    [markOf(instance)]: null,
    ...(verdict === "remove"
      ? { [sharedLabel]: null }
      : verdict === "demote"
        ? { [sharedLabel]: "false" }
        : {}),
  })
}

/** The label change of an intent. */
export const decide = (
  intent: "claim" | "promote" | "demote" | "release",
  labels: Labels,
  instance: string,
  unmarked: ReadonlyArray<string> = [],
): LabelUpdates => {
  switch (intent) {
    case "claim":
      return claim(labels, instance)
    case "promote":
      return promote(labels, instance)
    case "demote":
      return demote(labels, instance, unmarked)
    case "release":
      return release(labels, instance, unmarked)
  }
}
