/** Answers: what does every way to systemd offer? The part of `HostShell` that is about units. */
import type { HostShell } from "@kata-deploy/core"

/** Units and their log, reached in one way; `control` and `route` say in which, or why in none. */
export type Units = Pick<
  HostShell.HostShell["Service"],
  "control" | "route" | "unitState" | "unitRun" | "unit" | "awaitActive" | "unitLog"
>

/** Everything about units but how they are reached; what an implementation makes. */
export type UnitActs = Omit<Units, "control" | "route">
