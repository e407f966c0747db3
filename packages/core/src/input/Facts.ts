/**
 * Answers: what does this node look like, and what of it could not be seen? Facts are plain data, gathered by
 * `engine/Observe.ts`; every decision is a function of settings and facts.
 */
import type { BaseConfig } from "../decide/KataConfig.ts"
import type { DataSight } from "../decide/SnapshotterData.ts"
import type { NydusPrograms } from "../decide/SnapshotterSetup.ts"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { ProbeFile } from "../model/ProbeFile.ts"
import type { Ledger, OwnedEntry, Reading } from "../plan/Ledger.ts"
import type { Journal } from "../plan/Journal.ts"
import type { StageName } from "../plan/Plan.ts"
import type { ArchiveFacts } from "../ports/HostFiles.ts"
import type { UnitRun, UnitState } from "../ports/HostShell.ts"
import type { Machine, RunningSandbox, TreeUser } from "../ports/HostSight.ts"
import type { NodeFacts } from "../ports/NodeApi.ts"
import { type Fact, unknown } from "./Fact.ts"

/** The ledger as it was found. An unreadable one is not the same as none. */
export type LedgerFact =
  | { readonly _tag: "None" }
  | { readonly _tag: "Read"; readonly ledger: Ledger }
  /** There is none, but what lies on the host is ours by its content; the ledger is what we would have written. */
  | { readonly _tag: "Adopted"; readonly ledger: Ledger }
  /** A stage was left half-done: all that the ledger names, and all that the stage may have put there. */
  | { readonly _tag: "Recovered"; readonly ledger: Ledger; readonly stages: ReadonlyArray<StageName> }
  | { readonly _tag: "Unreadable"; readonly why: string }

/** A base configuration, and the digest of the archive that it came out of. */
export interface ArchivedBase extends BaseConfig {
  readonly archiveSha256: string
}

/** What the artifact directory holds. */
export interface ArtifactFacts {
  /** Where the artifact directory is, for messages. */
  readonly directory: string
  /** `shim-components.json`. */
  readonly manifest: FileState
  /** `versions.yaml`. */
  readonly versions: FileState
  /** Archives of the selected components; `undefined` where there is none. */
  readonly archives: ReadonlyMap<string, ArchiveFacts | undefined>
  /** Components that are recorded as unpacked but of which something is gone or changed. */
  readonly damaged: ReadonlySet<string>
  /** Base configurations by key (`KataConfig.baseKey`). */
  readonly bases: ReadonlyMap<string, ArchivedBase>
  /** Names of the programs of nydus; left out where nobody looked. */
  readonly nydusPrograms?: NydusPrograms
  /** Text with the verity parameters of the developer image, where its component has one. */
  readonly devkitRootHash?: string | undefined
}

/** What comparing the unpacked components with the ledger showed; paths are relative to the install directory. */
export interface UnpackedFacts {
  /** Files and links that are others now, by component. */
  readonly changed: ReadonlyMap<string, ReadonlyArray<string>>
  /** Files that are what they were at other times than recorded, with those of now, by component. */
  readonly renewed: ReadonlyMap<string, ReadonlyArray<OwnedEntry>>
}

/** What is seen of the host besides its files and the states of its units. */
export interface SightFacts {
  /** Devices, kernel, SELinux, machine id; `undefined` where nobody looked. */
  readonly machine: Machine | undefined
  /** What a probe file showed where layers of erofs go; left out where nobody tried. */
  readonly probeFile?: ProbeFile | undefined
  /** What the CRI runtime calls itself, e.g. `containerd 1.7.24`; left out where nobody asked. */
  readonly runtimeSays?: Fact<string>
  /** How the CRI runtime's unit runs. */
  readonly runtimeRun: Fact<UnitRun>
  /** Processes that use the install directory. */
  readonly users: Fact<ReadonlyArray<TreeUser>>
  /** Sandboxes that the CRI runtime has running. */
  readonly sandboxes: Fact<ReadonlyArray<RunningSandbox>>
}

/** Another install on this host, and what is known of it. */
export interface Neighbour {
  readonly installDir: HostPath
  /** What its ledger says; `None` where an installer without one put it there. */
  readonly ledger: Reading
  /** Runtime handlers that it offers, by its ledger or by the files that name its programs. */
  readonly handlers: ReadonlyArray<string>
}

/** A directory that had to be listed and could not be: what is in it is unknown. */
export interface Unlisted {
  readonly path: HostPath
  /** Why, as a clause. */
  readonly detail: string
}

/** What a node looks like. */
export interface Facts {
  /** Version of this program. */
  readonly release: string
  /** Where ledger, pristine configurations and staging are. */
  readonly stateDir: HostPath
  /** The CRI runtime that the operator named (`--cri-runtime`). */
  readonly namedRuntime: string | undefined
  /** Whether units can be controlled. */
  readonly control: Fact<"systemd">
  /** State of each CRI unit. */
  readonly units: ReadonlyMap<string, Fact<UnitState>>
  /** State of the units of snapshotters that are asked for, or whose data is to be purged. */
  readonly snapshotterUnits: ReadonlyMap<string, Fact<UnitState>>
  /** What containerd has of the snapshotters whose data is to be purged. */
  readonly snapshotterData: Fact<DataSight>
  /** The Node object. */
  readonly node: Fact<NodeFacts>
  /** Whether our own DaemonSet still selects this node. */
  readonly ownDaemonSet: Fact<boolean>
  /** Names of other kata-deploy DaemonSets that want this node. */
  readonly otherDaemonSets: Fact<ReadonlyArray<string>>
  /** The kubelet's `configz`. */
  readonly configz: Fact<unknown>
  readonly sight: SightFacts
  readonly ledger: LedgerFact
  /** The journal of the last CRI stage, where a rollback asks for it. */
  readonly lastCriStage: Journal | undefined
  /** Temporary files that an interrupted run left behind. */
  readonly leftovers: ReadonlyArray<HostPath>
  /** What is at each path that was looked at. */
  readonly files: ReadonlyMap<HostPath, FileState>
  /** Files that the CRI runtime's main config imports, in the order of loading; what is in them is in `files`. */
  readonly imported: ReadonlyArray<HostPath>
  /** Directories whose files the main config imports and that could not be listed. */
  readonly unlisted: ReadonlyArray<Unlisted>
  /** Links where a directory has to be, and that lead nowhere. */
  readonly deadEnds: ReadonlyArray<HostPath>
  /** Other installs that are seen on this host, by install directory. */
  readonly neighbours: ReadonlyArray<Neighbour>
  readonly artifacts: ArtifactFacts
  readonly unpacked: UnpackedFacts
  /** Bytes that may still be written to the filesystem of the install directory. */
  readonly freeBytes: Fact<number>
  /** Text of the operator's containerd drop-in, where one is configured; `Absent` when its file is missing. */
  readonly userDropIn: FileState | undefined
}

/** What is at a path. A path that nobody looked at is unknown, and nothing is ever written over it. */
export const at = (facts: Pick<Facts, "files">, path: HostPath): FileState =>
  facts.files.get(path) ?? { _tag: "Unreadable", why: "io", detail: "it was not looked at" }

/** The ledger's content, or `undefined`. */
export const ledgerOf = (facts: Pick<Facts, "ledger">): Ledger | undefined =>
  facts.ledger._tag === "None" || facts.ledger._tag === "Unreadable" ? undefined : facts.ledger.ledger

/** Other kata-deploy DaemonSets that are known to want this node. */
export const otherDaemonSetsOf = (facts: Pick<Facts, "otherDaemonSets">): ReadonlyArray<string> =>
  facts.otherDaemonSets._tag === "Known" ? facts.otherDaemonSets.value : []

/** The runtime's version as the operator or the Node says it. */
export const runtimeVersion = (
  facts: Pick<Facts, "node">,
  declared: string | undefined,
): string | undefined =>
  declared ?? (facts.node._tag === "Known" ? facts.node.value.containerRuntimeVersion : undefined)

const nobodyLooked = unknown("not-asked", "nobody looked")

/** What has not been seen at all: the facts before the first look. */
export const unseen = (release: string, stateDir: HostPath, control: Fact<"systemd">): Facts => ({
  release,
  stateDir,
  namedRuntime: undefined,
  control,
  units: new Map(),
  snapshotterUnits: new Map(),
  snapshotterData: nobodyLooked,
  node: nobodyLooked,
  ownDaemonSet: nobodyLooked,
  otherDaemonSets: nobodyLooked,
  configz: nobodyLooked,
  sight: {
    machine: undefined,
    runtimeRun: nobodyLooked,
    users: nobodyLooked,
    sandboxes: nobodyLooked,
  },
  ledger: { _tag: "None" },
  lastCriStage: undefined,
  leftovers: [],
  files: new Map(),
  imported: [],
  unlisted: [],
  deadEnds: [],
  neighbours: [],
  artifacts: {
    directory: "",
    damaged: new Set(),
    manifest: { _tag: "Absent" },
    versions: { _tag: "Absent" },
    archives: new Map(),
    bases: new Map(),
  },
  unpacked: { changed: new Map(), renewed: new Map() },
  freeBytes: nobodyLooked,
  userDropIn: undefined,
})
