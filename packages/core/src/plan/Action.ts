/**
 * Answers: what can be done to a host or a node? A closed union of plain data: adding a case makes the interpreter
 * fail to compile until it is handled. Host and cluster actions are different types, so "this pod has no token" is
 * visible to the compiler.
 */
import { Schema } from "effect"
import { NamespacePurge } from "../decide/SnapshotterData.ts"
import { Change, PathSchema } from "./Change.ts"
import { ArchiveId, Ledger, OwnedEntry } from "./Ledger.ts"

/** Make one path be what `change.after` says, provided that it still is what `change.before` says. */
export const Put = Schema.TaggedStruct("Put", { change: Change })

/** A component archive to unpack, by its file name below the artifact directory. */
export const ExtractComponent = Schema.Struct({
  name: Schema.String,
  /** Path relative to the artifact directory; that of a directory where `copies` says what is taken out of it. */
  archive: Schema.String,
  /**
   * Files of a component that is no archive: names in the directory, and paths relative to `into`. Contents and
   * permissions are those that they have there.
   */
  copies: Schema.optionalKey(Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String }))),
  id: ArchiveId,
  /** What an earlier archive of this component put down; entries that the new one lacks are removed. */
  replaces: Schema.Array(OwnedEntry),
})
/** A component archive to unpack. */
export type ExtractComponent = typeof ExtractComponent.Type

/** Unpack components into `staging`, then move every file below `into`; all of them or none. */
export const Extract = Schema.TaggedStruct("Extract", {
  into: PathSchema,
  staging: PathSchema,
  components: Schema.Array(ExtractComponent),
  /** Paths relative to `into` that other steps of the plan deliver; they are left out. */
  except: Schema.Array(Schema.String),
  /**
   * Paths relative to `into` that are ours already, besides what the components replace; `"everything"` where an
   * install without a ledger was taken over. What is there besides belongs to somebody else and is not replaced.
   */
  owned: Schema.Union([Schema.Literal("everything"), Schema.Array(Schema.String)]),
})

/**
 * Remove what came out of archives. `entries` lists it relative to `root`; `"everything"` empties `root` (a node
 * that upstream installed, decisions §4). Mount points are emptied and kept. `reserved` paths are left alone.
 */
export const RemoveTree = Schema.TaggedStruct("RemoveTree", {
  root: PathSchema,
  entries: Schema.Union([Schema.Literal("everything"), Schema.Array(OwnedEntry)]),
  reserved: Schema.Array(PathSchema),
  /** Set where nothing below a mount point may go; they are emptied otherwise. */
  mountPoints: Schema.optionalKey(Schema.Literal("left-alone")),
})

/** Remove these directories, deepest first, each only when it is empty and no mount point. */
export const Prune = Schema.TaggedStruct("Prune", { directories: Schema.Array(PathSchema) })

/**
 * Remove snapshots of a snapshotter through containerd, while the snapshotter runs, and look at what is left. Nothing
 * of it is a failure: what cannot go keeps the data.
 */
export const RemoveSnapshots = Schema.TaggedStruct("RemoveSnapshots", {
  /** Its name in containerd. */
  snapshotter: Schema.String,
  /** Where containerd listens. */
  socket: PathSchema,
  namespaces: Schema.Array(NamespacePurge),
})

/**
 * Remove what a stopped snapshotter stored, once more only if nothing of containerd refers to it; else it is kept, which
 * is told and no failure.
 */
export const PurgeData = Schema.TaggedStruct("PurgeData", {
  directory: PathSchema,
  /** Its name in containerd. */
  snapshotter: Schema.String,
  /** The unit that must not run. */
  unit: Schema.String,
  /** Where containerd listens. */
  socket: PathSchema,
})

/** Leave what a snapshotter stored, although its purge is asked for; only tells why. */
export const KeepData = Schema.TaggedStruct("KeepData", {
  directory: PathSchema,
  /** Why, as a clause. */
  because: Schema.String,
  /** What helps, as a sentence. */
  remedy: Schema.String,
})

/** Ask systemd for something; `reload` is daemon-reload and has no unit. */
export const Unit = Schema.TaggedStruct("Unit", {
  verb: Schema.Literals(["reload", "restart", "stop", "enable", "disable", "reset-failed"]),
  unit: Schema.String,
  /** Set where a unit that is not there is as good as one that was told. */
  onFailure: Schema.optionalKey(Schema.Literal("ignore")),
  /**
   * Set where the stage writes the unit's own file. Taken back, a unit that ran runs again with what it had, and one
   * that did not is stopped and disabled before its file goes.
   */
  whenUndone: Schema.optionalKey(Schema.Literal("as-it-was")),
  /**
   * Set for the restart that a cleanup ends with, and that may end this program: once systemd has taken it on, the ledger
   * goes, which remembered until then that it is due, and so do these directories, deepest first, each when it is empty.
   * Nothing goes where the ledger still names something. Where the restart fails, all of it comes back.
   */
  forgets: Schema.optionalKey(Schema.Struct({ ledger: PathSchema, directories: Schema.Array(PathSchema) })),
})

/** Wait until the unit is active, at most `seconds`. */
export const AwaitUnit = Schema.TaggedStruct("AwaitUnit", { unit: Schema.String, seconds: Schema.Int })

/**
 * Wait until the CRI runtime is seen to serve at least one of the handlers. Where nothing tells, a unit that stays
 * active is enough, and the report says so (decisions §11).
 */
export const AwaitServed = Schema.TaggedStruct("AwaitServed", {
  unit: Schema.String,
  socket: PathSchema,
  handlers: Schema.Array(Schema.String),
})

/**
 * Write what is ours into the ledger; `null` removes it. Entries of components that this stage unpacked are filled in
 * by the engine.
 */
export const Record = Schema.TaggedStruct("Record", { path: PathSchema, ledger: Schema.NullOr(Ledger) })

/** Anything that is done to the host. */
export const HostAction = Schema.Union([
  Put,
  Extract,
  RemoveTree,
  Prune,
  RemoveSnapshots,
  PurgeData,
  KeepData,
  Unit,
  AwaitUnit,
  AwaitServed,
  Record,
])
/** Anything that is done to the host. */
export type HostAction = typeof HostAction.Type

/** The intent of a label change; the port re-runs the pure decision on fresh labels at every conflict. */
export const Mark = Schema.TaggedStruct("Mark", {
  intent: Schema.Literals(["claim", "promote", "demote", "release"]),
  /** Instance name: the suffix or `default`. */
  instance: Schema.String,
  /** Other kata-deploy DaemonSets that want the node; they speak for installs that are older than the marks. */
  beside: Schema.optionalKey(Schema.Array(Schema.String)),
})

/** See the labels of a ready node hold for a while, and write them again when somebody takes them back (spec 08 §2.2). */
export const HoldMarks = Schema.TaggedStruct("HoldMarks", {
  /** Instance name: the suffix or `default`. */
  instance: Schema.String,
})

/** Take off the startup taints that the matchers hit; best effort (spec 08 §6). */
export const Untaint = Schema.TaggedStruct("Untaint", { matchers: Schema.Array(Schema.String) })

/** Wait until the node is ready, as told after `unit` became active and not before, at most `seconds` (spec 09 §6). */
export const AwaitReady = Schema.TaggedStruct("AwaitReady", { unit: Schema.String, seconds: Schema.Int })

/** Anything that is done to the Node object. */
export const ClusterAction = Schema.Union([Mark, HoldMarks, Untaint, AwaitReady])
/** Anything that is done to the Node object. */
export type ClusterAction = typeof ClusterAction.Type

/** Anything that a plan can contain. */
export const Action = Schema.Union([...HostAction.members, ...ClusterAction.members])
/** Anything that a plan can contain. */
export type Action = HostAction | ClusterAction
