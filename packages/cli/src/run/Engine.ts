/**
 * Answers: what does the command line need of the engine? Five questions about one request; whoever makes an engine
 * has wired the ports to a real host, or to a double.
 */
import type {
  ModeReport,
  Plan,
  Report,
  Run,
  SetMode,
  Settings,
  Snapshots,
  SnapshotsReport,
  Status,
} from "@kata-deploy/core"
import type { Effect } from "effect"
import type { NodeOptions } from "../command/NodeOptions.ts"
import type { NodeFailure } from "../ExitStatus.ts"

/** The engine with its ports in place. */
export interface Engine {
  /** What the action would do. */
  readonly plan: (request: Run.Request) => Effect.Effect<Plan.Plan, NodeFailure>
  /** Plans and carries out. */
  readonly run: (request: Run.Request) => Effect.Effect<Report.Report, NodeFailure>
  /** What is installed, and whether it is as it was left. */
  readonly status: (
    request: Pick<Run.Request, "settings" | "stateDir">,
    verify: "metadata" | "contents",
  ) => Effect.Effect<Status.Status, NodeFailure>
  /** What putting a shim into a mode of nydus comes to; carried out where the request says so. */
  readonly setMode: (request: SetMode.SetModeRequest) => Effect.Effect<ModeReport.ModeReport, NodeFailure>
  /** What can be done about a snapshotter's snapshots; the plan is shown before anything is done. */
  readonly snapshots: (
    request: Snapshots.SnapshotsRequest,
    show: Snapshots.Show,
  ) => Effect.Effect<SnapshotsReport.SnapshotsReport, NodeFailure>
}

/** Makes the engine for a host. */
export type EngineFor = (options: NodeOptions, settings: Settings.Settings) => Promise<Engine>
