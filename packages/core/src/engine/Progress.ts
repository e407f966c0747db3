/**
 * Answers: how far along are we? The engine tells; whoever runs it decides what people see. The default is silence.
 */
import { Context, Effect } from "effect"
import type { Plan, StageName, Step } from "../plan/Plan.ts"
import type { ExtractProgress } from "../ports/HostFiles.ts"

/** Something that just happened while a plan is carried out. Steps are counted from 1 within their stage. */
export type ProgressEvent =
  | { readonly _tag: "Planned"; readonly plan: Plan }
  | { readonly _tag: "StageStarted"; readonly stage: StageName; readonly steps: number }
  | {
      readonly _tag: "StepStarted"
      readonly stage: StageName
      readonly at: number
      readonly of: number
      readonly step: Step
    }
  | {
      readonly _tag: "StepDone"
      readonly stage: StageName
      readonly at: number
      readonly of: number
      readonly step: Step
      readonly outcome: "changed" | "unchanged"
    }
  | { readonly _tag: "Extracting"; readonly progress: ExtractProgress }
  | { readonly _tag: "Undoing"; readonly stage: StageName; readonly changes: number }
  /** Taking back ended, and something stays; `failures` say why, where something failed. */
  | { readonly _tag: "NotUndone"; readonly stage: StageName; readonly failures: ReadonlyArray<string> }
  | { readonly _tag: "StageDone"; readonly stage: StageName; readonly changed: number }

/** Where progress goes. */
export const Progress = Context.Reference<{
  readonly tell: (event: ProgressEvent) => Effect.Effect<void>
}>("@kata-deploy/core/Progress", { defaultValue: () => ({ tell: () => Effect.void }) })
