/** Answers the vectors about systemd that need no connection: names of units and ends of jobs. */
import { Result, Schema } from "effect"
import { Vectors } from "@kata-deploy/core/testing"
import { SystemdJob, UnitName } from "@kata-deploy/host"

const Job = Schema.Struct({
  job: Schema.String,
  signals: Schema.Array(Schema.Tuple([Schema.String, Schema.String, Schema.String])),
})
const Expected = Schema.Union([
  Schema.Literal("ok"),
  Schema.Struct({
    error: Schema.String,
    messageMentions: Schema.optionalKey(Schema.Array(Schema.String)),
    afterSeconds: Schema.optionalKey(Schema.Number),
  }),
])

const jobOutcome = ({ job, signals }: typeof Job.Type, expected: typeof Expected.Type): Vectors.Verdict => {
  const outcome = SystemdJob.outcome(
    job,
    signals.map(([member, path, result]) => ({ member, job: path, result })),
  )
  if (expected === "ok") return Vectors.compare("Done", outcome._tag)
  const { afterSeconds, error, messageMentions } = expected
  const answer =
    outcome._tag === "Failed"
      ? { error: "E_JOB", messageMentions: messageMentions === undefined ? undefined : [outcome.result] }
      : outcome._tag === "Running"
        ? {
            error: "E_JOB_TIMEOUT",
            afterSeconds: afterSeconds === undefined ? undefined : SystemdJob.jobSeconds,
          }
        : "ok"
  return Vectors.compare({ afterSeconds, error, messageMentions }, answer)
}

/** Runner of the sections of `09-systemd-dbus` that are about names and jobs. */
export const runner: Vectors.Runner = {
  file: "09-systemd-dbus",
  sections: {
    jobOutcome: (vector) =>
      Result.flatMap(Vectors.read(Job, vector.input), (input) =>
        Result.flatMap(Vectors.read(Expected, vector.expected), (expected) => jobOutcome(input, expected)),
      ),
    unitNameSuffix: Vectors.answering(Schema.String, (name) => UnitName.complete(name)),
  },
}
