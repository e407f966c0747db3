/**
 * Answers: how are units controlled with the host's own `systemctl`? For hosts whose systemd cannot be talked to
 * directly; needs the host's PID namespace and root.
 */
import { Fact, HostError, type HostShell } from "@kata-deploy/core"
import { Effect, Result } from "effect"
import * as Program from "../Program.ts"
import * as SystemdJob from "../SystemdJob.ts"
import * as UnitName from "../UnitName.ts"
import { awaitActive } from "./AwaitActive.ts"
import * as UnitReading from "./UnitReading.ts"
import type { UnitActs } from "./Units.ts"

/** How often a job is looked at that was begun. */
const every = "100 millis"

/** Seconds that a look gets. */
const lookSeconds = 60

/** What units are controlled through. */
export interface Options {
  readonly run: Program.RunProgram
  /** What stands before `systemctl`, such as `nsenter` with its flags. */
  readonly prefix: ReadonlyArray<string>
  /** Microseconds of the kernel's monotonic clock, and milliseconds since the epoch, at this moment. */
  readonly now: Effect.Effect<{ readonly monotonic: number; readonly epoch: number }>
  readonly unitLog: UnitActs["unitLog"]
}

/** Exit code of `systemctl` for a unit that is not loaded. Source: systemctl(1), "Exit status". */
const notLoaded = 5

/** `systemctl show` prints times for people; those of the monotonic clock it prints as numbers, in every release. */
const shown = [...UnitReading.properties, "ActiveEnterTimestampMonotonic"].join(",")

/** Units behind the host's `systemctl`. */
export const make = ({ now, prefix, run, unitLog }: Options): UnitActs => {
  const systemctl = (seconds: number, ...args: ReadonlyArray<string>) => {
    const [program, ...rest] = [...prefix, "systemctl", ...args]
    return Effect.mapError(run([program!, ...rest], seconds), (reason) => ({ program: program!, reason }))
  }
  const unitRun: UnitActs["unitRun"] = (unit) =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* systemctl(
        lookSeconds,
        "show",
        `--property=${shown}`,
        "--",
        UnitName.complete(unit),
      )
      if (code !== 0) return Fact.unknown("failed", `systemctl could not tell: ${stderr.trim()}`)
      return Fact.known(UnitReading.runOf(withEpoch(parse(stdout), yield* now)))
    }).pipe(
      Effect.catch(({ program, reason }) =>
        Effect.succeed(Fact.unknown("failed", Program.describe(program, reason))),
      ),
    )

  /** Waits until systemd has no job for a unit any more; who cannot be asked now may be able to answer in a moment. */
  const jobEnded = Effect.fnUntraced(function* (unit: string) {
    for (;;) {
      const asked = yield* Effect.result(systemctl(lookSeconds, "show", "--property=Job", "--", unit))
      const hasAnswered = Result.isSuccess(asked) && asked.success.code === 0
      if (hasAnswered && Number(parse(asked.success.stdout)["Job"] ?? 0) === 0) return
      yield* Effect.sleep(every)
    }
  })

  const unit: UnitActs["unit"] = Effect.fnUntraced(function* (verb, name, takenOn = Effect.void) {
    const full = UnitName.complete(name)
    const operation = verb === "reload" ? "make systemd read its unit files again" : `${verb} ${full}`
    const about = verb === "reload" ? {} : { unit: full }
    const refuse = (detail: string) =>
      new HostError.HostError({ operation, path: undefined, reason: { _tag: "Refused", detail }, ...about })
    const late = (reason: Extract<HostError.HostErrorReason, { readonly _tag: "TimedOut" }>) =>
      new HostError.HostError({
        operation: `${operation}, for systemd may hang (look at systemctl list-jobs)`,
        path: undefined,
        reason,
        ...about,
      })
    const act = (...args: ReadonlyArray<string>) =>
      systemctl(SystemdJob.jobSeconds, ...args).pipe(
        Effect.mapError(({ program, reason }) =>
          reason._tag === "TimedOut" ? late(reason) : refuse(Program.describe(program, reason)),
        ),
        Effect.flatMap(({ code, stderr }) =>
          code === 0 || (code === notLoaded && ignoresUnknown.has(verb)) || isUnknownFile(verb, stderr)
            ? Effect.void
            : Effect.fail(
                refuse(`${oneLine(stderr) || `exit code ${code}`}; ${SystemdJob.whereToLook(full)}`),
              ),
        ),
      )
    if (verb === "reload") return yield* act("daemon-reload")
    if (verb !== "restart") return yield* act(verb, "--", full)
    // As over D-Bus: a start limit that was hit would keep a repaired unit down.
    yield* Effect.ignore(act("reset-failed", "--", full))
    const before = yield* unitRun(full)
    yield* act("restart", "--no-block", "--", full)
    yield* takenOn
    yield* Effect.timeoutOrElse(jobEnded(full), {
      duration: `${SystemdJob.jobSeconds} seconds`,
      orElse: () => Effect.fail(late({ _tag: "TimedOut", seconds: SystemdJob.jobSeconds })),
    })
    const why = UnitReading.notRestarted(before, yield* unitRun(full))
    if (why !== undefined) return yield* refuse(`${why}; ${SystemdJob.whereToLook(full)}`)
  })

  return {
    unitState: (name) =>
      Effect.map(unitRun(name), (fact) => (fact._tag === "Known" ? Fact.known(fact.value.state) : fact)),
    unitRun,
    unit,
    awaitActive: (name, seconds) => awaitActive(unitRun, name, seconds),
    unitLog,
  }
}

/** Verbs for which a unit that systemd does not know is as it should be. */
const ignoresUnknown: ReadonlySet<HostShell.UnitVerb> = new Set(["stop", "disable", "reset-failed"])

const isUnknownFile = (verb: HostShell.UnitVerb, stderr: string): boolean =>
  ignoresUnknown.has(verb) && /not loaded|does not exist/.test(stderr)

const oneLine = (text: string): string => text.trim().split("\n").slice(0, 2).join(" ")

const parse = (text: string): UnitReading.Properties =>
  Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const at = line.indexOf("=")
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]]
    }),
  )

const withEpoch = (
  properties: UnitReading.Properties,
  now: { readonly monotonic: number; readonly epoch: number },
): UnitReading.Properties => {
  const since = Number(properties["ActiveEnterTimestampMonotonic"] ?? 0)
  const micros = since === 0 ? 0 : now.epoch * 1000 - (now.monotonic - since)
  return { ...properties, ActiveEnterTimestamp: micros }
}
