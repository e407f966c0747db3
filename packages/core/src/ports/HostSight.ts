/** Answers: what can be seen of a host besides its files? The vocabulary of `HostShell`. */
import type { KernelWitnesses } from "../decide/ErofsPrerequisites.ts"
import type { MkfsErofs } from "../decide/hostCheck/SnapshotterFit.ts"
import { type Fact, unknown } from "../input/Fact.ts"
import { absent, type FileState } from "../model/FileState.ts"

/** What the machine has. */
export interface Machine {
  /** `/dev/kvm`. */
  readonly kvm: Fact<boolean>
  /** `/dev/vhost-vsock`. */
  readonly vhostVsock: Fact<boolean>
  /** `/dev/mshv`, Microsoft's hypervisor. */
  readonly mshv: Fact<boolean>
  /** What SELinux does; `disabled` where the kernel has none. */
  readonly selinux: Fact<"enforcing" | "permissive" | "disabled">
  /** What could be read of the kernel's features. */
  readonly kernel: KernelWitnesses
  /** `mkfs.erofs` in the host's program directories. */
  readonly mkfsErofs: MkfsErofs
  /** `/etc/machine-id`. */
  readonly machineId: FileState
}

/** A machine of which nothing can be seen from here, for this reason. */
export const machineOutOfSight = (why: string): Machine => {
  const outOfSight = unknown("out-of-sight", why)
  return {
    kvm: outOfSight,
    vhostVsock: outOfSight,
    mshv: outOfSight,
    selinux: outOfSight,
    kernel: { sysModules: undefined, procModules: undefined, procConfig: undefined, bootConfig: undefined },
    mkfsErofs: { _tag: "Unknown", why },
    machineId: absent,
  }
}

/** A process that uses files of a tree. */
export interface TreeUser {
  readonly pid: number
  /** Its program, as the host names it. */
  readonly program: string
  /** The Kata sandbox that it belongs to, where its command line says so. */
  readonly sandbox: string | undefined
  /** By what it uses the tree: what it runs, has mapped or open, was started with, or the directory it is in. */
  readonly through?: "program" | "mapped" | "open" | "arguments" | "directory"
}

/** What a CRI runtime says of itself. */
export interface CriStatus {
  /** Name and version, e.g. `containerd 1.7.24`. */
  readonly runtime: string
  /** Whether its condition `RuntimeReady` holds. */
  readonly ready: boolean
  /** Names of the runtime handlers that it has loaded; `undefined` where it does not say. */
  readonly handlers: ReadonlyArray<string> | undefined
  /** Where the daemon answers but has no CRI: what it says. `handlers` is empty then. */
  readonly notLoaded?: string
}

/** A pod sandbox that is running. */
export interface RunningSandbox {
  readonly id: string
  /** `namespace/name` of its pod. */
  readonly pod: string
  /** The runtime handler; empty for the default one. */
  readonly handler: string
}
