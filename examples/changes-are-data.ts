import { Change, ContainerdVersion, FileState, HostPath } from "@kata-deploy/core"

// Which containerd is this? Anything that does not say so gives undefined: unknown, never a guess.
const version = ContainerdVersion.parse("containerd://2.1.9-k3s1")
if (version === undefined) throw new Error("not a containerd")

// A change holds what is at a path before and after. It is plain data: print it, compare it, save it.
const change = Change.make(
  HostPath.make("/etc/containerd/conf.d/kata-deploy.toml"),
  FileState.absent,
  FileState.file("# the runtime handlers of Kata Containers\n"),
)

console.log(`containerd ${ContainerdVersion.format(version)}: ${change.before._tag} -> ${change.after._tag}`)
console.log(`taken back: ${Change.invert(change).after._tag}`)
