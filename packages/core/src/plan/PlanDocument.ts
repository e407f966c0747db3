/**
 * Answers: how is a plan written down? The document that `plan --output json` prints and `install --plan` reads
 * (decisions §13): host paths only, digests instead of texts, file texts only inside `diff`.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import { Schema } from "effect"
import { Notice, Problem } from "../input/Problem.ts"
import type { FileState } from "../model/FileState.ts"
import type { Action, ExtractComponent } from "./Action.ts"
import * as Change from "./Change.ts"
import * as Plan from "./Plan.ts"

/** SHA-256 of a text's UTF-8 bytes, lower-case hexadecimal. */
export const digest = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)))

/** What is at a path, in digests: `null` for nothing. */
export const StateDigest = Schema.NullOr(
  Schema.Struct({
    type: Schema.Literals(["file", "link", "directory", "unreadable"]),
    sha256: Schema.optionalKey(Schema.String),
    target: Schema.optionalKey(Schema.String),
    mode: Schema.optionalKey(Schema.Int),
  }),
)

/** An archive as the plan was made from it. */
export const ArchiveDocument = Schema.Struct({
  component: Schema.String,
  /** Bytes. */
  size: Schema.Int,
  /** Hexadecimal; left out where nothing asked for it, so that it was not read for that. */
  sha256: Schema.optionalKey(Schema.String),
})
/** An archive as the plan was made from it. */
export type ArchiveDocument = typeof ArchiveDocument.Type

/** One step as the document shows it. */
export const StepDocument = Schema.Struct({
  action: Schema.Struct({
    kind: Schema.String,
    path: Schema.optionalKey(Schema.String),
    unit: Schema.optionalKey(Schema.String),
    verb: Schema.optionalKey(Schema.String),
    components: Schema.optionalKey(Schema.Array(Schema.String)),
    /** What each component is unpacked from; documents of earlier releases do not say. */
    archives: Schema.optionalKey(Schema.Array(ArchiveDocument)),
    entries: Schema.optionalKey(Schema.Union([Schema.Literal("everything"), Schema.Int])),
    directories: Schema.optionalKey(Schema.Array(Schema.String)),
    intent: Schema.optionalKey(Schema.String),
    handlers: Schema.optionalKey(Schema.Array(Schema.String)),
    matchers: Schema.optionalKey(Schema.Array(Schema.String)),
    snapshotter: Schema.optionalKey(Schema.String),
    /** Keys that go from each namespace of containerd, and the images that had them. */
    snapshots: Schema.optionalKey(
      Schema.Array(
        Schema.Struct({
          namespace: Schema.String,
          keys: Schema.Array(Schema.String),
          images: Schema.Array(Schema.String),
        }),
      ),
    ),
  }),
  because: Schema.String,
  changes: Schema.Boolean,
  before: Schema.optionalKey(StateDigest),
  after: Schema.optionalKey(StateDigest),
  diff: Schema.optionalKey(Schema.String),
})
/** One step as the document shows it. */
export type StepDocument = typeof StepDocument.Type

/** The whole document. */
export const PlanDocument = Schema.Struct({
  schemaVersion: Schema.Literal(1),
  kind: Schema.Literal("plan"),
  action: Plan.ActionName,
  instance: Schema.String,
  runtime: Schema.String,
  handlers: Schema.Array(Schema.String),
  stages: Schema.Array(Schema.Struct({ stage: Plan.StageName, steps: Schema.Array(StepDocument) })),
  restarts: Schema.Array(Plan.Restart),
  sandboxes: Schema.NullOr(Schema.Array(Schema.String)),
  refused: Schema.NullOr(Problem),
  notices: Schema.Array(Notice),
  residues: Schema.Array(Schema.String),
}).annotate({ identifier: "PlanDocument" })
/** The whole document. */
export type PlanDocument = typeof PlanDocument.Type

const stateDigest = (state: FileState): typeof StateDigest.Type => {
  switch (state._tag) {
    case "Absent":
      return null
    case "File":
      return { type: "file", sha256: digest(state.text), mode: state.mode }
    case "Link":
      return { type: "link", target: state.target }
    case "Directory":
      return { type: "directory", mode: state.mode }
    case "Unreadable":
      return { type: "unreadable" }
  }
}

/** What a change finds and leaves; a text that stays is digested once, and on a settled node nearly all of them stay. */
const changeDocument = ({ after, before }: Change.Change): Pick<StepDocument, "before" | "after"> => {
  const was = stateDigest(before)
  const stays = was !== null && before._tag === "File" && after._tag === "File" && before.text === after.text
  return { before: was, after: stays ? { ...was, mode: after.mode } : stateDigest(after) }
}

const archiveDocument = ({ id, name }: ExtractComponent): ArchiveDocument => ({
  component: name,
  size: id.size,
  ...(id.sha256 === null ? {} : { sha256: id.sha256 }),
})

const actionDocument = (action: Action): StepDocument["action"] => {
  switch (action._tag) {
    case "Put":
      return { kind: "Put", path: action.change.path }
    case "Extract":
      return {
        kind: "Extract",
        path: action.into,
        components: action.components.map(({ name }) => name),
        archives: action.components.map(archiveDocument),
      }
    case "RemoveTree":
      return {
        kind: "RemoveTree",
        path: action.root,
        entries: action.entries === "everything" ? "everything" : action.entries.length,
      }
    case "Prune":
      return { kind: "Prune", directories: action.directories }
    case "RemoveSnapshots":
      return {
        kind: "RemoveSnapshots",
        snapshotter: action.snapshotter,
        snapshots: action.namespaces.map(({ images, namespace, order }) => ({
          namespace,
          keys: order,
          images,
        })),
      }
    case "PurgeData":
      return { kind: "PurgeData", path: action.directory, snapshotter: action.snapshotter }
    case "KeepData":
      return { kind: "KeepData", path: action.directory }
    case "Unit":
      return {
        kind: "Unit",
        verb: action.verb,
        unit: action.unit,
        ...(action.forgets === undefined
          ? {}
          : { path: action.forgets.ledger, directories: action.forgets.directories }),
      }
    case "AwaitUnit":
      return { kind: "AwaitUnit", unit: action.unit }
    case "AwaitServed":
      return { kind: "AwaitServed", unit: action.unit, handlers: action.handlers }
    case "Record":
      return { kind: "Record", path: action.path }
    case "Mark":
      return { kind: "Mark", intent: action.intent }
    case "HoldMarks":
      return { kind: "HoldMarks" }
    case "Untaint":
      return { kind: "Untaint", matchers: action.matchers }
    case "AwaitReady":
      return { kind: "AwaitReady" }
  }
}

/** Renders the difference between two texts of a file; secrets are masked by the caller's function. */
export type DiffRenderer = (change: Change.Change) => string | undefined

/** The document of a plan; `diff` is asked for every change of a path. */
export const encode = (plan: Plan.Plan, diff: DiffRenderer): PlanDocument => ({
  schemaVersion: 1,
  kind: "plan",
  action: plan.action,
  instance: plan.instance,
  runtime: plan.runtime,
  handlers: plan.handlers,
  stages: plan.stages.map((stage) => ({
    stage: stage.stage,
    steps: stage.steps.map(({ action, because }) => {
      const text = action._tag === "Put" ? diff(action.change) : undefined
      return {
        action: actionDocument(action),
        because,
        changes: Plan.changes(action),
        ...(action._tag === "Put" ? changeDocument(action.change) : {}),
        ...(text === undefined ? {} : { diff: text }),
      }
    }),
  })),
  restarts: plan.restarts,
  sandboxes: plan.sandboxes,
  refused: plan.refused,
  notices: plan.notices,
  residues: plan.residues,
})

/** What an action does, in a few words for people: `write /etc/containerd/config.toml`. */
export const summary = (action: Action): string => {
  switch (action._tag) {
    case "Put":
      return putSummary(action.change)
    case "Extract":
      return action.components.length === 0
        ? `unpack nothing into ${action.into}`
        : `unpack ${action.components.map((c) => c.name).join(", ")} into ${action.into}`
    case "RemoveTree":
      return action.entries === "everything"
        ? `empty ${action.root}`
        : `remove ${action.entries.length} paths below ${action.root}`
    case "Prune":
      return action.directories.length === 1
        ? `remove ${action.directories[0]} when it is left empty`
        : `remove ${action.directories.length} directories that are left empty`
    case "RemoveSnapshots": {
      const keys = action.namespaces.reduce((sum, { order }) => sum + order.length, 0)
      return `remove ${keys} ${keys === 1 ? "snapshot" : "snapshots"} of ${action.snapshotter} from containerd`
    }
    case "PurgeData":
      return `remove ${action.directory} with everything in it`
    case "KeepData":
      return `keep ${action.directory}`
    case "Unit":
      if (action.verb === "reload") return "reload systemd"
      return action.forgets === undefined
        ? `${action.verb} ${action.unit}`
        : `${action.verb} ${action.unit}, and remove ${action.forgets.ledger} with its directories once that is under way`
    case "AwaitUnit":
      return `wait for ${action.unit}, at most ${action.seconds} s`
    case "AwaitServed":
      return `see that ${action.unit} serves ${action.handlers.join(", ")}`
    case "AwaitReady":
      return `wait until the node is ready, at most ${action.seconds} s`
    case "HoldMarks":
      return `see the labels of ${action.instance} hold`
    case "Untaint":
      return `take off the startup taints ${action.matchers.join(", ")}`
    case "Record":
      return `record what is ours in ${action.path}`
    case "Mark":
      return `${action.intent} the node for ${action.instance}`
  }
}

const putSummary = ({ after, before, path }: Change.Change): string => {
  if (Change.isNoop({ after, before, path })) return `keep ${path}`
  switch (after._tag) {
    case "Absent":
      return `remove ${path}`
    case "Directory":
      return `create directory ${path}`
    case "Link":
      return `link ${path} to ${after.target}`
    default:
      return `${before._tag === "Absent" ? "create" : "change"} ${path}`
  }
}
