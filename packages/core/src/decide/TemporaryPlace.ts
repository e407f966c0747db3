/**
 * Answers: in which directory is the temporary file of a write made? It has to be on the target's filesystem, and no
 * program that reads a directory whole may ever see it. Source: decisions §9; spec 06 §1.
 */
import * as HostPath from "../model/HostPath.ts"

/** Directories that some program reads whole, whatever the names in it. */
const readWhole = /^(conf\.d|config\.d|config[^/]*\.toml\.d|containerd\.d|crio\.conf\.d)$/

/** Where temporary files of our own install directory are made, below the state directory. */
export const staging = (stateDir: HostPath.HostPath): HostPath.HostPath => HostPath.join(stateDir, "staging")

/** The directory for the temporary file of a write to `path`. */
export const of = (
  path: HostPath.HostPath,
  places: { readonly installDir: HostPath.HostPath; readonly stateDir: HostPath.HostPath },
): HostPath.HostPath => {
  const parent = HostPath.parent(path)
  const inStaging =
    HostPath.isBelow(path, places.installDir) &&
    HostPath.isWithin(places.stateDir, places.installDir) &&
    !HostPath.isWithin(path, places.stateDir)
  if (inStaging) return staging(places.stateDir)
  return readWhole.test(HostPath.baseName(parent)) ? HostPath.parent(parent) : parent
}
