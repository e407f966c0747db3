/**
 * Answers: what does a change of mode come to, and what became of it? The document of `snapshotter set-mode`.
 */
import { Schema } from "effect"
import { Notice } from "../input/Problem.ts"
import { ModeChoice } from "../model/ModeChoice.ts"
import { Restart } from "../plan/Plan.ts"
import { Report } from "./Report.ts"

/** One setting that changes. */
export const SettingChange = Schema.Struct({
  /** The environment variable, with its architecture. */
  variable: Schema.String,
  /** Its text as it holds on this node; `null` where it is not set. */
  before: Schema.NullOr(Schema.String),
  after: Schema.NullOr(Schema.String),
})

/** What a change of mode comes to, and what became of it. */
export const ModeReport = Schema.Struct({
  shim: Schema.String,
  mode: ModeChoice.fields.mode,
  /** What the shim is mapped to so far; `null` where it is mapped to nothing. */
  from: Schema.NullOr(Schema.String),
  /** Whether it was carried out and recorded; otherwise it is only shown. */
  applied: Schema.Boolean,
  /** Empty where the settings, as they hold on this node, say so already. */
  changes: Schema.Array(SettingChange),
  /** Runtime handlers whose pods pull anew. */
  handlers: Schema.Array(Schema.String),
  /** Why either mode has a name of its own. */
  whyTwoNames: Schema.String,
  /** Restarts that it asks for. */
  restarts: Schema.Array(Restart),
  notices: Schema.Array(Notice),
  /** What was done; `null` where it is only shown. */
  report: Schema.NullOr(Report),
}).annotate({ identifier: "ModeReport" })
/** What a change of mode comes to, and what became of it. */
export type ModeReport = typeof ModeReport.Type
