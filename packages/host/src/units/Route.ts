/**
 * Answers: how are units reached? The first way of those allowed by `--systemd` that answers; what was chosen is said
 * with the reasons why the ways before it were not.
 */
import { Fact } from "@kata-deploy/core"
import { Effect } from "effect"
import * as NoUnits from "./NoUnits.ts"
import type { UnitActs, Units } from "./Units.ts"

/** What `--systemd` may say. */
export type Mode = "auto" | "dbus" | "nsenter" | "none"

/** A way to reach units. */
export interface Way {
  /** Modes in which it may be taken. */
  readonly modes: ReadonlyArray<Mode>
  /** What it is, as a noun phrase for logs. */
  readonly name: string
  /** Succeeds when somebody answers; fails with the reason why not, as a clause. */
  readonly probe: Effect.Effect<void, Refusal>
  readonly acts: UnitActs
}

/** Why a way cannot be taken. */
export interface Refusal {
  /** Whether it is just not there; only such ways make units *out of sight*. */
  readonly how: "failed" | "out-of-sight"
  readonly why: string
}

/** Seconds that each way gets to answer. */
const probeSeconds = 10

const silent: Refusal = {
  how: "failed",
  why: `no answer within ${probeSeconds} s; look whether systemd hangs (systemctl is-system-running)`,
}

/** Chooses among `ways`, in their order. */
export const choose = Effect.fnUntraced(function* (
  mode: Mode,
  ways: ReadonlyArray<Way>,
): Effect.fn.Return<Units> {
  if (mode === "none") return NoUnits.none
  const refusals: Array<Refusal & { readonly name: string }> = []
  for (const { acts, modes, name, probe } of ways) {
    if (!modes.includes(mode)) continue
    const tried = yield* probe.pipe(
      Effect.timeoutOrElse({ duration: `${probeSeconds} seconds`, orElse: () => Effect.fail(silent) }),
      Effect.match({ onSuccess: () => undefined, onFailure: (refusal) => refusal }),
    )
    if (tried === undefined)
      return { ...acts, control: Fact.known("systemd"), route: [name, ...refusals.map(clause)].join("; ") }
    refusals.push({ ...tried, name })
  }
  const how = refusals.every((refusal) => refusal.how === "out-of-sight") ? "out-of-sight" : "failed"
  const why = `systemd cannot be reached: ${refusals.map(clause).join("; ")}`
  return NoUnits.make(Fact.unknown(how, why), why)
})

const clause = ({ name, why }: Refusal & { readonly name: string }): string => `not by ${name}: ${why}`
