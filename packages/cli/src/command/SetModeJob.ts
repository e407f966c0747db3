/** Answers: which shim is to be put into which mode? The words and flags behind `snapshotter set-mode`, decoded. */
import { NearestName, NydusMode, type Problem, type SetMode } from "@kata-deploy/core"
import type { Arguments } from "./Arguments.ts"

/** What is asked for. */
export type SetModeWish = Pick<SetMode.SetModeRequest, "wish" | "apply">

/** The words that `snapshotter` takes. */
export const choices = ["set-mode"] as const

const how = "Write: kata-deploy snapshotter set-mode guest-pull|host-share SHIM."

const noMode = (word: string | undefined): Problem.Problem =>
  word === undefined
    ? { code: "E_NO_MODE", message: "snapshotter set-mode needs to be told the mode.", remedy: how }
    : {
        code: "E_MODE",
        value: word,
        message: `${JSON.stringify(word)} is no mode of nydus.${NearestName.didYouMean(word, NydusMode.all)}`,
        remedy: `It is one of ${NydusMode.all.join(", ")}.`,
      }

const noShim: Problem.Problem = {
  code: "E_NO_SHIM",
  message: "snapshotter set-mode needs to be told the shim.",
  remedy: how,
}

/** Decodes the job; `undefined` where a problem forbids it. Whether the shim is enabled only the settings tell. */
export const decode = (
  { given, words }: Arguments,
  problems: Array<Problem.Problem>,
): SetModeWish | undefined => {
  const [, , word, shim] = words
  const mode = NydusMode.all.find((each) => each === word)
  if (mode === undefined) problems.push(noMode(word))
  if (shim === undefined) problems.push(noShim)
  return mode === undefined || shim === undefined
    ? undefined
    : { wish: { shim, mode }, apply: given.get("apply") === "true" ? "apply" : "show" }
}
