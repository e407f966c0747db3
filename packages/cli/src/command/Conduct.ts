/**
 * Answers: how is a run to go about others and about failure? The flags of that kind and their variables, decoded.
 */
import type { Problem, Run } from "@kata-deploy/core"
import type { Surroundings } from "../Surroundings.ts"
import * as Arguments from "./Arguments.ts"
import * as GivenValue from "./GivenValue.ts"

/** What the command line says of it; a reviewed plan is named by its file, which nobody has read yet. */
export interface Conduct extends Partial<Omit<Run.Conduct, "reviewed">> {
  /** File of this process with a reviewed plan. */
  readonly planFile?: string
}

/** Decodes the flags; problems are collected. */
export const decode = (
  args: Arguments.Arguments,
  surroundings: Surroundings,
): { readonly conduct: Conduct; readonly problems: ReadonlyArray<Problem.Problem> } => {
  const problems: Array<Problem.Problem> = []
  const find = GivenValue.finder(args, surroundings, problems)
  const seconds = find("lock-timeout")
  const isWrong = seconds !== undefined && !/^\d{1,6}$/.test(seconds.text)
  if (isWrong)
    problems.push(
      Arguments.wrongValue(seconds.where, seconds.text, "a whole number of seconds up to 999999, e.g. 300"),
    )
  const planFile = GivenValue.pathFinder(find, surroundings)("plan")
  const rollback = find("rollback")?.text as Run.Conduct["rollback"] | undefined
  const whenInUse = find("when-in-use")?.text as Run.Conduct["whenInUse"] | undefined
  const beside = find("restart-beside-others")?.text as Run.Conduct["restartBesideOthers"] | undefined
  const nydusData = find("nydus-data")?.text as Run.Conduct["nydusData"] | undefined
  return {
    conduct: {
      ...(seconds === undefined || isWrong ? {} : { lockSeconds: Number(seconds.text) }),
      ...(rollback === undefined ? {} : { rollback }),
      ...(whenInUse === undefined ? {} : { whenInUse }),
      ...(beside === undefined ? {} : { restartBesideOthers: beside }),
      ...(nydusData === undefined ? {} : { nydusData }),
      ...(planFile === undefined ? {} : { planFile }),
    },
    problems,
  }
}
