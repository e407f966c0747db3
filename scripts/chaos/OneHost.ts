/**
 * Answers: which disasters does one kind of host go through, and how many of them end well? Yields one aftermath after
 * the other, so that whoever runs it can tell how far it is.
 */
import * as Arena from "./Arena.ts"
import * as Disasters from "./Disasters.ts"
import type { HostKind } from "./Hosts.ts"
import type { Calls, Errno } from "./Sabotage.ts"

/** A family of disasters. */
export type Family = "kills" | "moments" | "cuts" | "faults" | "looks"

/** Every family, in the order in which they are gone through. */
export const families: ReadonlyArray<Family> = ["kills", "moments", "cuts", "faults", "looks"]

/** How much is to be done. */
export interface Extent {
  readonly families: ReadonlyArray<Family>
  /** How many random moments, in all. */
  readonly moments: number
  /** Which of the points are taken: every `stride`-th. */
  readonly stride: number
  /** Decides which points and moments. */
  readonly seed: number
}

/** What came of one disaster, and of which family it was. */
export interface Result extends Disasters.Aftermath {
  readonly family: Family
}

const actions: ReadonlyArray<Arena.Action> = ["install", "cleanup"]
const signals = ["SIGKILL", "SIGTERM"] as const
const errnos: ReadonlyArray<Errno> = ["ENOSPC", "EIO", "EROFS", "EACCES"]

/** A small generator of numbers in [0, 1) that everybody gets the same from (mulberry32). */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** The numbers of every `stride`-th of `count` calls, from 1; the seed decides where they begin. */
const points = (count: number, { seed, stride }: Extent): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, at) => at + 1).filter((at) => at % stride === seed % stride)

/** Calls after which somebody who looks at the tree sees a difference. */
const isStep = (call: string): boolean => /^(?:link|mkdir|rename|rm|rmdir|symlink|unlink)Sync /.test(call)

/** Makes chaos on a host of this kind. */
export async function* live(
  kind: HostKind,
  stage: Arena.Stage,
  extent: Extent,
): AsyncGenerator<Result, void, undefined> {
  await using arena = await Arena.open(kind, stage)
  const has = (family: Family) => extent.families.includes(family)
  for (const action of actions) {
    const changes = await Disasters.callsOf(arena, action, "changes")
    if (has("kills")) {
      const steps = changes.flatMap((call, at) => (isStep(call) ? [at + 2] : []))
      for (const nth of points(steps.length, extent)) {
        for (const signal of signals) {
          const orders = { kind: "signal", at: steps[nth - 1]!, signal } as const
          yield { family: "kills", ...(await Disasters.signalled(arena, action, orders)) }
        }
      }
    }
    if (has("cuts"))
      for (const at of points(changes.length, extent))
        yield { family: "cuts", ...(await Disasters.cutOff(arena, action, at)) }
    if (has("faults"))
      for (const at of points(changes.length, extent))
        yield { family: "faults", ...(await failing(arena, action, at, "changes")) }
    if (has("looks")) {
      const looks = await Disasters.callsOf(arena, action, "looks")
      for (const at of points(looks.length, extent))
        yield { family: "looks", ...(await failing(arena, action, at, "looks")) }
    }
  }
  if (has("moments")) yield* moments(arena, extent)
}

const failing = (arena: Arena.Arena, action: Arena.Action, at: number, calls: Calls) =>
  Disasters.fails(arena, action, { kind: "fails", at, code: errnos[at % errnos.length]!, calls })

/** Signals at random moments of the run's usual length. */
async function* moments(arena: Arena.Arena, { moments: count, seed }: Extent): AsyncGenerator<Result> {
  const random = randomFrom(seed)
  for (let n = 0; n < count; n++) {
    const action = actions[n % actions.length]!
    const signal = signals[Math.floor(n / actions.length) % signals.length]!
    const undisturbed = await Arena.withCopy(arena.before(action), (root) =>
      Arena.program(arena, root, action),
    )
    const milliseconds = Math.round(random() * undisturbed.milliseconds)
    const orders = { kind: "moment", milliseconds, signal } as const
    yield { family: "moments", ...(await Disasters.signalled(arena, action, orders)) }
  }
}
