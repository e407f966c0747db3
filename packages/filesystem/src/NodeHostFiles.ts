/**
 * `HostFiles` with Node: the host's files as a layout shows them, and a directory of component archives.
 */
import type { KeyObject } from "node:crypto"
import { HostFiles, type HostLayout } from "@kata-deploy/core"
import { Effect, Layer } from "effect"
import { Artifacts } from "./Artifacts.ts"
import * as AtomicPut from "./AtomicPut.ts"
import { Confinement } from "./Confinement.ts"
import { alone, crews, type Crews } from "./Crew.ts"
import * as Drift from "./Drift.ts"
import { attempt } from "./Failure.ts"
import * as Observation from "./Observation.ts"
import * as PathFacts from "./PathFacts.ts"
import * as TreeRemoval from "./TreeRemoval.ts"
import { extract } from "./Unpacking.ts"

/** What the host's files are seen through. */
export interface Options {
  /** Where this process sees host paths. */
  readonly layout: HostLayout.HostLayout
  /** The artifact directory, as this process sees it: `shim-components.json`, `tarballs/`, `versions.yaml`. */
  readonly artifacts: string
  /** Ed25519 key that the artifact directory's checksums have to be signed with. */
  readonly publicKey?: KeyObject | undefined
}

/** The host's files as `options.layout` shows them. */
export const layer = (options: Options): Layer.Layer<HostFiles.HostFiles> =>
  Layer.effect(
    HostFiles.HostFiles,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => crews()),
        (workers) => Effect.promise(() => workers.close()),
      ),
      (workers) =>
        make(
          new Confinement(options.layout),
          new Artifacts(options.artifacts, workers, options.publicKey),
          workers,
        ),
    ),
  )

/** The port over an already made confinement; without threads unless some are given. */
export const make = (
  host: Confinement,
  artifacts: Artifacts,
  workers: Crews = crews(alone()),
): HostFiles.HostFiles["Service"] =>
  HostFiles.HostFiles.of({
    look: (path) => Effect.sync(() => Observation.look(host, path)),
    list: (path) => Effect.sync(() => Observation.list(host, path)),
    fingerprint: (path) => Effect.sync(() => Observation.fingerprint(host, path)),
    drift: (root, entries, depth) => Effect.sync(() => Drift.drift(host, root, entries, depth)),
    isMountPoint: (path) => Effect.sync(() => PathFacts.isMountPoint(host, path)),
    freeBytes: (path) => Effect.sync(() => PathFacts.freeBytes(host, path)),
    mayWrite: (path) => Effect.sync(() => PathFacts.mayWrite(host, path)),
    put: (change, temporaryIn) =>
      attempt("write", change.path, () => AtomicPut.put(host, change, temporaryIn)),
    prune: (directories) =>
      attempt("remove empty directories from", directories[0], () => TreeRemoval.prune(host, directories)),
    removeTree: (action) => attempt("remove", action.root, () => TreeRemoval.removeTree(host, action)),
    extract: (action, progress, staged) =>
      extract({ host, artifacts, crews: workers }, action, progress, staged),
    artifactDirectory: artifacts.directory,
    artifact: (relative) => Effect.sync(() => artifacts.text(relative)),
    artifactNames: (relative) => Effect.sync(() => artifacts.names(relative)),
    artifactProgram: (relative) => artifacts.program(relative),
    archive: (relative, known) => artifacts.identify(relative, known),
    archiveDigest: (relative) => artifacts.sha256(relative),
    archivedConfigs: (relative, wanted) => artifacts.configs(relative, wanted),
  })
