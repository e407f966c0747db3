/** Answers: what is in the file of `--plan`? A plan document as `plan --output json` prints it (decisions §13). */
import { PlanDocument, Problem } from "@kata-deploy/core"
import { Effect, Predicate, Result, Schema } from "effect"
import * as ProcessFiles from "./ProcessFiles.ts"

/** Why a text is no plan that can be applied; what is no document of ours at all says nothing of itself. */
const objection = (text: string): string => {
  const read = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))(text)
  if (Result.isFailure(read)) return "it is not JSON"
  const { kind, schemaVersion } = Predicate.isObject(read.success) ? read.success : {}
  if (Predicate.isString(kind) && kind !== "plan") return `it is a ${kind} document`
  return kind === "plan" && schemaVersion !== 1
    ? `it is of version ${JSON.stringify(schemaVersion)}, and this program knows version 1`
    : "it is no plan document of this program"
}

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
  const text = yield* ProcessFiles.text(path, ProcessFiles.mostBytes.plan)
  if (Result.isFailure(text)) return yield* refuse(path, text.failure)
  const decoded = Schema.decodeUnknownResult(Text)(text.success)
  if (Result.isFailure(decoded)) return yield* refuse(path, objection(text.success))
  return decoded.success
})
