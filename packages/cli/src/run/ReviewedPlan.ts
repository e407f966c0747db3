/** Answers: what is in the file of `--plan`? A plan document as `plan --output json` prints it (decisions §13). */
import { PlanDocument, Problem } from "@kata-deploy/core"
import { Effect, Result, Schema } from "effect"
import * as ProcessFiles from "./ProcessFiles.ts"

const Text = Schema.fromJsonString(PlanDocument.PlanDocument)

const refuse = (path: string, why: string): Problem.SettingsError =>
  new Problem.SettingsError({
    problems: [
      {
        code: "E_PLAN_FILE",
        setting: "--plan",
        value: path,
        path,
        message: `The plan ${path} cannot be applied: ${why}.`,
        remedy: "Make one on this node with plan install --output json, review it, and name its file.",
      },
    ],
  })

/** Reads a reviewed plan. */
export const read = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<PlanDocument.PlanDocument, Problem.SettingsError> {
  const text = yield* ProcessFiles.text(path)
  if (Result.isFailure(text)) return yield* refuse(path, text.failure)
  const decoded = Schema.decodeUnknownResult(Text)(text.success)
  if (Result.isFailure(decoded)) return yield* refuse(path, "it is no plan document of this program")
  return decoded.success
})
