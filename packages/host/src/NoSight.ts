/** Answers: what is said of a machine that nothing looks at? Everything is out of sight. */
import { Fact, HostSight, ProbeFile } from "@kata-deploy/core"
import { Effect } from "effect"
import type { Sight } from "./sight/Sight.ts"

const outOfSight = Fact.unknown("out-of-sight", "nothing looks at it")

/** A machine out of sight. */
export const noSight: Sight = {
  machine: Effect.succeed(HostSight.machineOutOfSight(outOfSight.why)),
  probeFile: () => Effect.succeed(ProbeFile.untried(outOfSight.why)),
  usersOf: () => Effect.succeed(outOfSight),
  criStatus: () => Effect.succeed(outOfSight),
  sandboxes: () => Effect.succeed(outOfSight),
}
