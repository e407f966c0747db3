/**
 * Answers: what is seen of the host besides its files? Only what the action needs is asked for: each question costs a
 * look at processes, a call to the runtime, or a request to the API.
 */
import { Effect } from "effect"
import * as ContainerdStore from "../decide/ContainerdStore.ts"
import * as CriConfig from "../decide/CriConfig.ts"
import * as HostCheck from "../decide/HostCheck.ts"
import * as MachineId from "../decide/MachineId.ts"
import type { Detected } from "../decide/RuntimeDetection.ts"
import * as Snapshotter from "../decide/Snapshotter.ts"
import { known } from "../input/Fact.ts"
import type { Facts } from "../input/Facts.ts"
import type { Settings } from "../input/Settings.ts"
import * as Distribution from "../model/Distribution.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as ProbeFile from "../model/ProbeFile.ts"
import * as OlderInUse from "../plan/OlderInUse.ts"
import type { ActionName } from "../plan/Plan.ts"
import { HostShell } from "../ports/HostShell.ts"
import { NodeApi } from "../ports/NodeApi.ts"

/** What is asked, and for whom. */
export interface SightRequest {
  readonly action: ActionName
  readonly settings: Settings
  readonly facts: Facts
}

/** Actions after which programs of the tree are gone. */
const removes = (action: ActionName): boolean =>
  action === "cleanup" || action === "cleanup-stage-remove-artifacts"

/** What tells this machine from others and what it can do. */
export const machine = Effect.fn("ObserveSight.machine")(function* ({ action, settings }: SightRequest) {
  const shell = yield* HostShell
  const asksForId = settings.machineId !== undefined && MachineId.isStaged(action)
  return action.startsWith("install") || asksForId ? yield* shell.machine : undefined
})

/** How the unit of the runtime runs that the ledger names; what takes configuration back asks. */
export const recordedRun = Effect.fn("ObserveSight.recordedRun")(function* (
  facts: Facts,
  runtimeName: string | undefined,
) {
  const row = runtimeName === undefined ? undefined : Distribution.lookup(runtimeName)
  if (row === undefined) return facts
  const shell = yield* HostShell
  return { ...facts, sight: { ...facts.sight, runtimeRun: yield* shell.unitRun(row.unit) } }
})

/** How the runtime's unit runs, and what its kubelet says; resets do not ask. */
export const runtime = Effect.fn("ObserveSight.runtime")(function* (
  { action, facts, settings }: SightRequest,
  row: RuntimeRow,
) {
  const shell = yield* HostShell
  const api = yield* NodeApi
  const asksKubelet = action.startsWith("install") && HostCheck.asksKubelet(settings)
  // The operator's word is held against the runtime's own; what the Node says comes from the runtime anyway.
  const cri = settings.containerRuntimeVersion === undefined ? undefined : yield* shell.criStatus(row.socket)
  return {
    ...facts,
    configz: asksKubelet && !MachineId.isStaged(action) ? yield* api.configz : facts.configz,
    sight: {
      ...facts.sight,
      runtimeRun: yield* shell.unitRun(row.unit),
      ...(cri === undefined ? {} : { runtimeSays: cri._tag === "Known" ? known(cri.value.runtime) : cri }),
    },
  }
})

/** What a probe file shows where layers of erofs will go; asked for only where erofs is to be set up. */
export const probeFile = Effect.fn("ObserveSight.probeFile")(function* (
  { action, facts, settings }: SightRequest,
  detected: Detected,
) {
  const isSetUp = Snapshotter.parse(settings.setupSnapshotters).kinds.includes("erofs")
  if (!action.startsWith("install") || !isSetUp || detected.row.layout === "crio") return facts
  const mainConfig = CriConfig.mainConfigPathOf({ detected, settings })
  const store = ContainerdStore.ofErofs({ row: detected.row, mainConfig, facts })
  const shell = yield* HostShell
  const shown = store._tag === "Known" ? yield* shell.probeFile(store.value) : ProbeFile.untried(store.why)
  return { ...facts, sight: { ...facts.sight, probeFile: shown } }
})

/** Who uses what is to be removed. */
export const users = Effect.fn("ObserveSight.users")(function* (
  { action, facts, settings }: SightRequest,
  runtimeName: string | undefined,
) {
  if (!removes(action)) return facts
  const row = runtimeName === undefined ? undefined : Distribution.lookup(runtimeName)
  return yield* lookedAtUsers(facts, settings, row)
})

/** Who uses what an install replaces or takes away; where it does neither nobody is asked. */
export const usersOfOlder = Effect.fn("ObserveSight.usersOfOlder")(function* (
  { action, facts, settings }: SightRequest,
  row: RuntimeRow,
) {
  const archives = action === "install-stage-cri" ? "not-observed" : "observed"
  return OlderInUse.isAsked(facts, archives) ? yield* lookedAtUsers(facts, settings, row) : facts
})

const lookedAtUsers = Effect.fnUntraced(function* (
  facts: Facts,
  { instance }: Settings,
  row: RuntimeRow | undefined,
) {
  const shell = yield* HostShell
  return {
    ...facts,
    sight: {
      ...facts.sight,
      users: yield* shell.usersOf(instance.installDir),
      sandboxes: row === undefined ? facts.sight.sandboxes : yield* shell.sandboxes(row.socket),
    },
  }
})
