/** Host paths and the container paths of the pod layout, in both directions. */
import { HostLayout, HostPath } from "@kata-deploy/core"

/** The directory at which the pod shows containerd's configuration. */
const shown = HostPath.make("/etc/containerd")

/** A path with neither doubled nor final slashes, for comparison (decisions §15). */
export const tidy = (path: string): string => HostPath.make(path)

/** What the pod shows of a host path; the path itself where it shows nothing. */
export const seenPath = (where: HostLayout.PodPaths, path: HostPath.HostPath): string =>
  tidy(HostLayout.toSeen(HostLayout.pod(where), path) ?? path)

/** The host path behind a container path. */
export const hostPath = (where: HostLayout.PodPaths, seen: string): HostPath.HostPath => {
  const path = HostPath.make(seen)
  return HostPath.isWithin(path, shown)
    ? HostPath.join(where.containerdConfigDir, path.slice(shown.length))
    : path
}
