/**
 * Answers: what is installed here, and is it still as we left it? The document of the `status` action
 * (decisions §13).
 */
import { Schema } from "effect"
import { ModeChoice } from "../model/ModeChoice.ts"

/** An owned path that is not as we left it. */
export const Drift = Schema.Struct({
  path: Schema.String,
  /** What the ledger says, e.g. `sha256:1f2e…` or `link:runtimes/qemu/configuration-qemu.toml`. */
  was: Schema.String,
  /** What is there, in the same words, or `absent`, or `unreadable: …`. */
  is: Schema.String,
})

/** One instance on this host. */
export const InstanceStatus = Schema.Struct({
  name: Schema.String,
  release: Schema.String,
  runtime: Schema.String,
  handlers: Schema.Struct({
    written: Schema.Array(Schema.String),
    /** What the node says it serves, else what its runtime lists; `null` where neither can be seen. */
    served: Schema.NullOr(Schema.Array(Schema.String)),
  }),
  /** Our labels on the Node; `null` where the API is not used. */
  labels: Schema.NullOr(Schema.Record(Schema.String, Schema.String)),
  drift: Schema.Array(Drift),
  /** Whether the runtime still has to be restarted to load what was written. */
  restartDue: Schema.Boolean,
  /** Modes of nydus that were chosen on this node over the settings; left out where there are none. */
  modes: Schema.optionalKey(Schema.Array(ModeChoice)),
  /** A stage that was left half-done, if any. */
  journal: Schema.NullOr(Schema.String),
}).annotate({ identifier: "InstanceStatus" })
/** One instance on this host. */
export type InstanceStatus = typeof InstanceStatus.Type

/** What is installed on this host. */
export const Status = Schema.Struct({
  instances: Schema.Array(InstanceStatus),
  /** Directories in which other instances may be and that cannot be listed. */
  unseen: Schema.optionalKey(Schema.Array(Schema.Struct({ path: Schema.String, why: Schema.String }))),
}).annotate({ identifier: "Status" })
/** What is installed on this host. */
export type Status = typeof Status.Type
