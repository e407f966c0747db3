/**
 * Answers: does a `/proc` show the processes of the host, or only those of a container? The kernel's first process
 * namespace has a number that never changes. In any other one process 1 tells: on a host that is a container itself
 * it is an init with the host's root, or it sees the tree that we ask about where the host has it. What is in doubt
 * is a container. Source: decisions §2.
 */
import { Fact, type HostLayout, HostPath } from "@kata-deploy/core"
import type { HostPlace } from "./HostPlace.ts"
import * as Processes from "./Processes.ts"

/** The kernel's constant `PROC_PID_INIT_INO`, since Linux 3.8 (include/linux/proc_ns.h). */
const firstNamespace = "pid:[4026531836]"

/** Whether `proc` shows the host's processes; `tree` is where the tree that is asked about was found. */
export const shown = (
  layout: HostLayout.HostLayout,
  proc: string,
  tree: HostPlace,
): Fact.Fact<ReadonlyArray<number>> => {
  const all = Processes.ids(proc)
  if (all._tag === "Denied") return Fact.unknown("failed", `no permission to list ${proc}`)
  if (all._tag === "Gone" || all.value.length === 0)
    return Fact.unknown("out-of-sight", `${proc} shows no processes`)
  if (firstIsTheHosts(layout, proc, tree)) return Fact.known(all.value)
  return Fact.unknown(
    "out-of-sight",
    `${proc} shows the processes of a container and not those of the host (hostPID is off)`,
  )
}

/** Names of programs that begin a system; a container's first process is hardly ever one of them. */
const inits = ["systemd", "init"]

const firstIsTheHosts = (layout: HostLayout.HostLayout, proc: string, tree: HostPlace): boolean => {
  const spaceOfFirst = Processes.link(proc, 1, "ns/pid")
  const space = spaceOfFirst._tag === "Seen" ? spaceOfFirst : Processes.link(proc, "self", "ns/pid")
  if (space._tag === "Seen" && space.value === firstNamespace) return true
  const root = layout.mounts.find(({ host }) => host === HostPath.root)
  if (root !== undefined)
    return inits.includes(Processes.nameOf(proc, 1)) && sameFile(`${proc}/1/root/`, root.seen)
  // In a pod process 1 may be our own container's, which sees the tree where the host has it, too.
  const [ours, first] = [Processes.link(proc, "self", "ns/mnt"), Processes.link(proc, 1, "ns/mnt")]
  const apart = ours._tag === "Seen" && first._tag === "Seen" && ours.value !== first.value
  return apart && tree._tag === "At" && sameFile(`${proc}/1/root${tree.host}`, tree.seen)
}

/** Whether both paths can be looked at and are the same file. */
const sameFile = (a: string, b: string): boolean => {
  const [one, other] = [Processes.fileId(a), Processes.fileId(b)]
  return one._tag === "Seen" && other._tag === "Seen" && one.value === other.value
}
