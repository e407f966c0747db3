/**
 * Answers: did it work? Judges by what was seen after everything was done, not by what was done: the paths that were
 * written, and the handlers that the node says it serves. Source: spec 08 §3; decisions §11; glossary "served".
 */
import { Schema } from "effect"
import type { Fact } from "../input/Fact.ts"
import * as FileState from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { Testimony } from "./RuntimeEvidence.ts"
import type { Change } from "../plan/Change.ts"
import type { NodeFacts } from "../ports/NodeApi.ts"
import * as ServedHandlers from "./ServedHandlers.ts"

/** What can be said about the handlers; `unknown` where the node does not report them or was not asked. */
export const Served = Schema.Literals(["served", "partly", "not-served", "unknown"])

/** The judgement of a run. */
export const Confirmation = Schema.Struct({
  handlers: Served,
  /** Handlers that were written and are not served; empty when unknown. */
  missing: Schema.Array(Schema.String),
  /** How we know, as a clause. */
  because: Schema.String,
  /** Paths that are not what the plan made them: somebody else changed them meanwhile. */
  overwritten: Schema.Array(Schema.String),
})
/** The judgement of a run. */
export type Confirmation = typeof Confirmation.Type

/** What was seen afterwards. */
export interface Evidence {
  /** Handlers that were written. */
  readonly written: ReadonlyArray<string>
  readonly node: Fact<NodeFacts>
  /** What was seen right after a restart of this run; `undefined` when there was none. */
  readonly testimony: Testimony | undefined
  /** The last change of each path, and what is there now. */
  readonly paths: ReadonlyArray<{ readonly change: Change; readonly found: FileState.FileState }>
}

const unknown = (because: string) => ({ handlers: "unknown" as const, missing: [], because })

const served = (evidence: Evidence): Omit<Confirmation, "overwritten"> =>
  evidence.testimony === undefined ? reported(evidence) : seen(evidence.testimony, evidence.written)

/** What was seen after the restart outranks the Node object, which a kubelet brings up to date when it gets to it. */
const seen = (testimony: Testimony, written: ReadonlyArray<string>): Omit<Confirmation, "overwritten"> => {
  const { because } = testimony
  switch (testimony._tag) {
    case "Served":
      return { handlers: "served", missing: [], because }
    case "Partly":
      return { handlers: "partly", missing: testimony.missing, because }
    case "NotServed":
      return { handlers: "not-served", missing: written, because }
    case "Unseen":
      return unknown(because)
  }
}

const reported = ({ node, written }: Evidence): Omit<Confirmation, "overwritten"> => {
  if (node._tag === "Unknown") return unknown(node.why)
  // Absent is not empty: an older kubelet reports nothing at all.
  const reported = node.value.runtimeHandlers
  if (reported === undefined) return unknown("this cluster does not report the handlers of its nodes")
  const verdict = ServedHandlers.timeOver({ expected: written, failures: 0, lastRead: reported })
  const because = "the node reports its handlers"
  switch (verdict._tag) {
    case "Unknown":
      return unknown(verdict.why)
    case "AllLoaded":
      return { handlers: "served", missing: [], because }
    case "Missing":
      return {
        handlers: verdict.served === "none" ? "not-served" : "partly",
        missing: verdict.missing,
        because,
      }
  }
}

/** Judges what was seen. */
export const judge = (evidence: Evidence): Confirmation => ({
  ...served(evidence),
  overwritten: evidence.paths
    .filter(({ change, found }) => !FileState.equals(change.after, found))
    .map(({ change }) => change.path),
})

/** The last change of each path; directories are left out, since they may have been taken away when empty. */
export const finalChanges = (changes: ReadonlyArray<Change>): ReadonlyArray<Change> => {
  const last = new Map<HostPath, Change>()
  for (const change of changes) last.set(change.path, change)
  return [...last.values()].filter((change) => change.after._tag !== "Directory")
}
