/**
 * Answers: what does this node look like, and what of it could not be seen? Facts are plain data, gathered by
 * `engine/Observe.ts`; every decision is a function of settings and facts.
 */
import type { BaseConfig } from "../decide/KataConfig.ts"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { Ledger, Reading } from "../plan/Ledger.ts"
import type { ArchiveFacts } from "../ports/HostFiles.ts"
import type { UnitState } from "../ports/HostShell.ts"
import type { NodeFacts } from "../ports/NodeApi.ts"
import type { Fact } from "./Fact.ts"

/** The ledger as it was found. An unreadable one is not the same as none. */
export type LedgerFact =
  | { readonly _tag: "None" }
  | { readonly _tag: "Read"; readonly ledger: Ledger }
  /** There is none, but what lies on the host is ours by its content; the ledger is what we would have written. */
  | { readonly _tag: "Adopted"; readonly ledger: Ledger }
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
  /** Text with the verity parameters of the developer image, where its component has one. */
  readonly devkitRootHash?: string | undefined
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
  /** The Node object. */
  readonly node: Fact<NodeFacts>
  /** Whether our own DaemonSet still selects this node. */
  readonly ownDaemonSet: Fact<boolean>
  readonly ledger: LedgerFact
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
  facts.ledger._tag === "Read" || facts.ledger._tag === "Adopted" ? facts.ledger.ledger : undefined

/** The runtime's version as the operator or the Node says it. */
export const runtimeVersion = (
  facts: Pick<Facts, "node">,
  declared: string | undefined,
): string | undefined =>
  declared ?? (facts.node._tag === "Known" ? facts.node.value.containerRuntimeVersion : undefined)

/** What has not been seen at all: the facts before the first look. */
export const unseen = (release: string, stateDir: HostPath, control: Fact<"systemd">): Facts => ({
  release,
  stateDir,
  namedRuntime: undefined,
  control,
  units: new Map(),
  node: { _tag: "Unknown", how: "not-asked", why: "nobody looked" },
  ownDaemonSet: { _tag: "Unknown", how: "not-asked", why: "nobody looked" },
  ledger: { _tag: "None" },
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
  freeBytes: { _tag: "Unknown", how: "not-asked", why: "nobody looked" },
  userDropIn: undefined,
})
