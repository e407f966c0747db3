/** Answers the vectors about the command line: which actions there are, and which log level applies. */
import { Result, Schema } from "effect"
import { Vectors } from "@kata-deploy/core/testing"
import * as Arguments from "../../src/command/Arguments.ts"
import * as Display from "../../src/command/Display.ts"
import * as Invocation from "../../src/command/Invocation.ts"
import * as NotYet from "../../src/command/NotYet.ts"
import * as ExitStatus from "../../src/ExitStatus.ts"
import * as Help from "../../src/manual/Help.ts"
import * as Recorder from "../sample/Recorder.ts"

const surroundings = (env: Readonly<Record<string, string>> = {}) =>
  Recorder.make({ env: { NODE_NAME: "worker-1", ...env } }).surroundings

/** Words that the first page of the help lists as actions. */
const listed = new Set(
  Help.general({ paint: (_, text) => text, columns: 80 } as Parameters<typeof Help.general>[0])
    .split("\n")
    .flatMap((line) => /^ {2}([a-z-]+)(?: |$)/.exec(line)?.[1] ?? []),
)

/** Every problem that a command line has, by code. */
const problemsOf = (args: Arguments.Arguments): ReadonlyArray<string> =>
  Invocation.decode(args, surroundings()).problems.map((problem) => problem.code)

/** An action of the contract that a later release brings is known by name, and refused for that reason alone. */
const laterRelease = "E_NOT_IN_THIS_RELEASE"

const ExpectedParsing = Schema.Struct({
  accepted: Schema.Boolean,
  hiddenFromHelp: Schema.optionalKey(Schema.Boolean),
  exitCode: Schema.optionalKey(Schema.Number),
})

const actionParsing: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(Schema.Array(Schema.String), vector.input), (argv) =>
    Result.flatMap(Vectors.read(ExpectedParsing, vector.expected), (expected) => {
      const args = Arguments.parse(argv)
      const name = args.words[0] ?? ""
      const problems = problemsOf(args)
      const accepted = problems.every((code) => code === laterRelease)
      const later = accepted && Object.hasOwn(NotYet.actions, name)
      const hiddenFromHelp = !listed.has(name)
      const answer = {
        accepted,
        ...(expected.hiddenFromHelp === undefined ? {} : { hiddenFromHelp }),
        ...(expected.exitCode === undefined ? {} : { exitCode: accepted ? 0 : ExitStatus.wrongUsage }),
      }
      // The help lists what this release can do; what is never listed is hidden for good.
      return later && expected.hiddenFromHelp === false
        ? Result.flatMap(Vectors.compare({ ...expected, hiddenFromHelp: true }, answer), () =>
            Vectors.passedBut("action-of-a-later-release"),
          )
        : Vectors.compare(expected, answer)
    }),
  )

const Level = Schema.Struct({
  flag: Schema.optionalKey(Schema.NullOr(Schema.String)),
  DEBUG: Schema.optionalKey(Schema.NullOr(Schema.String)),
})

const logLevel = ({ DEBUG, flag }: typeof Level.Type): string => {
  const args = Arguments.parse(
    flag === null || flag === undefined ? ["install"] : ["--log-level", flag, "install"],
  )
  const env = surroundings(DEBUG === null || DEBUG === undefined ? {} : { DEBUG })
  return Display.decode(args.given, env).logLevel.toLowerCase()
}

/** Runner of the sections of `09-lifecycle` that concern the command line. */
export const runner: Vectors.Runner = {
  file: "09-lifecycle",
  sections: {
    actionParsing,
    logLevel: Vectors.answering(Level, logLevel),
  },
}
