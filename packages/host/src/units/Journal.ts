/** Answers: what did a unit log lately? Read with `journalctl`, where the journal is in sight and the program is there. */
import { Fact, HostLayout, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import * as Program from "../Program.ts"
import * as SeenPath from "../SeenPath.ts"
import * as UnitName from "../UnitName.ts"
import type { UnitActs } from "./Units.ts"

/** Lines that are read at most; the last ones. */
const lines = 50

/** Seconds that reading gets. */
const seconds = 20

/** How the journal is read: what stands before the program's name, and flags that say where it lies. */
export interface Reach {
  readonly prefix: ReadonlyArray<string>
  readonly flags: ReadonlyArray<string>
}

/** How the journal of a host is reached through a layout without entering namespaces; `undefined` where it is not. */
export const reachOf = (layout: HostLayout.HostLayout): Reach | undefined => {
  const root = HostLayout.toSeen(layout, HostPath.root)
  if (root === undefined) return undefined
  return { prefix: [], flags: SeenPath.isForeignRoot(layout) ? [`--root=${root}`] : [] }
}

/** The log of units through `journalctl`. */
export const make =
  (run: Program.RunProgram, reach: Reach | undefined): UnitActs["unitLog"] =>
  (unit, since) => {
    if (reach === undefined)
      return Effect.succeed(Fact.unknown("out-of-sight", "the host's journal is not mounted here"))
    const [program, ...args] = [
      ...reach.prefix,
      "journalctl",
      ...reach.flags,
      "--quiet",
      "--no-pager",
      "--output=cat",
      // From a moment on and forwards, `--lines` would be the first lines after it.
      "--reverse",
      `--lines=${lines}`,
      `--since=@${Math.floor(since / 1000)}`,
      `--unit=${UnitName.complete(unit)}`,
    ]
    return Effect.match(run([program!, ...args], seconds), {
      onSuccess: ({ code, stderr, stdout }) =>
        code === 0
          ? Fact.known(
              stdout
                .split("\n")
                .filter((line) => line !== "")
                .reverse(),
            )
          : Fact.unknown(
              "failed",
              `journalctl could not read the log: ${stderr.trim().split("\n")[0] ?? code}`,
            ),
      onFailure: (reason) => Fact.unknown("failed", Program.describe(program!, reason)),
    })
  }
