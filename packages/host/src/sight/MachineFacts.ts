/**
 * Answers: what does this machine have: devices, SELinux, kernel features, `mkfs.erofs`, an id? Everything is looked
 * for where the layout shows it and nowhere else: below another root the machine's own kernel says nothing.
 * Source: spec 09 §5, §9; decisions §8.
 */
import fs from "node:fs"
import zlib from "node:zlib"
import {
  ErofsPrerequisites,
  Fact,
  FileState,
  type HostLayout,
  HostPath,
  type HostSight,
  MkfsErofs,
} from "@kata-deploy/core"
import { codeOf, follow, isAbsence } from "./HostPlace.ts"

type Layout = HostLayout.HostLayout

/** Looks at the machine; takes a few milliseconds and never throws for what the machine is like. */
export const look = (layout: Layout): HostSight.Machine => ({
  kvm: device(layout, "kvm", "at-boot"),
  vhostVsock: device(layout, "vhost-vsock", "on-demand"),
  mshv: device(layout, "mshv", "at-boot"),
  selinux: selinux(layout),
  kernel: kernel(layout),
  mkfsErofs: mkfsErofs(layout),
  machineId: text(layout, HostPath.make("/etc/machine-id")),
})

const isThere = (layout: Layout, path: string): boolean => follow(layout, HostPath.make(path))._tag === "At"

/**
 * A device is there when its node is, or when the kernel has registered it: sysfs is the host's own in every
 * container, while `/dev` is not. A driver that is loaded when its node is first opened is not registered before.
 */
const device = (layout: Layout, name: string, loaded: "at-boot" | "on-demand"): Fact.Fact<boolean> => {
  const node = follow(layout, HostPath.make(`/dev/${name}`))
  if (node._tag === "At" || isThere(layout, `/sys/class/misc/${name}`)) return Fact.known(true)
  if (node._tag === "Failed") return Fact.unknown("failed", `/dev/${name}: ${node.why}`)
  // Every `/dev` in use has `null`; the one of a tree that is no running machine is empty.
  const nodesShown = isThere(layout, "/dev/null")
  if (isThere(layout, "/sys/class/misc") && (nodesShown || loaded === "at-boot")) return Fact.known(false)
  return Fact.unknown("out-of-sight", `neither /dev nor /sys shows this process whether there is ${name}`)
}

/** The kernel makes `/sys/fs/selinux` only where SELinux is on; in a container nothing is mounted there. */
const selinux = (layout: Layout): HostSight.Machine["selinux"] => {
  const state = text(layout, HostPath.make("/sys/fs/selinux/enforce"))
  switch (state._tag) {
    case "File":
      return Fact.known(state.text.trim() === "1" ? "enforcing" : "permissive")
    case "Unreadable":
      return Fact.unknown(
        state.why === "out-of-sight" ? "out-of-sight" : "failed",
        `/sys/fs/selinux/enforce: ${state.detail}`,
      )
    default:
      if (isThere(layout, "/sys/fs/selinux"))
        return Fact.unknown("out-of-sight", "SELinux is on, but selinuxfs does not show here what it does")
      return isThere(layout, "/sys/fs")
        ? Fact.known("disabled")
        : Fact.unknown("out-of-sight", "/sys is not mounted here")
  }
}

const kernel = (layout: Layout): ErofsPrerequisites.KernelWitnesses => {
  const osrelease = FileState.textOf(text(layout, HostPath.make("/proc/sys/kernel/osrelease")))
  return {
    sysModules: names(layout, HostPath.make("/sys/module")),
    procModules: FileState.textOf(text(layout, HostPath.make("/proc/modules"))),
    procConfig: unpacked(layout, HostPath.make("/proc/config.gz")),
    bootConfig:
      osrelease === undefined
        ? undefined
        : FileState.textOf(text(layout, HostPath.make(ErofsPrerequisites.bootConfigPath(osrelease)))),
  }
}

const names = (layout: Layout, directory: HostPath.HostPath): ReadonlyArray<string> | undefined => {
  const place = follow(layout, directory)
  if (place._tag !== "At") return undefined
  try {
    return fs.readdirSync(place.seen).sort()
  } catch (cause) {
    return void codeOf(cause)
  }
}

/** Texts that are read here are small; a kernel's options are a few hundred KiB. */
const largestText = 16 * 1024 * 1024

const unpacked = (layout: Layout, path: HostPath.HostPath): string | undefined => {
  const place = follow(layout, path)
  if (place._tag !== "At") return undefined
  try {
    return zlib.gunzipSync(fs.readFileSync(place.seen), { maxOutputLength: largestText }).toString()
  } catch (cause) {
    return void codeOf(cause)
  }
}

const unreadable = (code: string): FileState.FileState => ({
  _tag: "Unreadable",
  why: code === "EACCES" || code === "EPERM" ? "denied" : "io",
  detail: code === "EACCES" || code === "EPERM" ? "no permission" : `the operating system says ${code}`,
})

/** The text of a regular file, links followed. */
const text = (layout: Layout, path: HostPath.HostPath): FileState.FileState => {
  const place = follow(layout, path)
  if (place._tag === "Absent") return FileState.absent
  if (place._tag === "OutOfSight") return { _tag: "Unreadable", why: "out-of-sight", detail: place.why }
  if (place._tag === "Failed") return unreadable(place.code)
  try {
    const stat = fs.statSync(place.seen)
    if (!stat.isFile()) return { _tag: "Unreadable", why: "not-a-file", detail: "it is no regular file" }
    if (stat.size > largestText) return { _tag: "Unreadable", why: "too-large", detail: "it is too large" }
    return FileState.file(fs.readFileSync(place.seen, "utf8"), stat.mode & 0o7777)
  } catch (cause) {
    const code = codeOf(cause)
    return isAbsence(code) ? FileState.absent : unreadable(code)
  }
}

/** The first regular file of that name in the host's program directories, searched without running it. */
const mkfsErofs = (layout: Layout): HostSight.Machine["mkfsErofs"] => {
  const unseen: Array<string> = []
  for (const directory of ErofsPrerequisites.mkfsDirectories) {
    const path = HostPath.join(directory, "mkfs.erofs")
    const place = follow(layout, path)
    if (place._tag === "Absent") continue
    if (place._tag !== "At") {
      unseen.push(`${path}: ${place.why}`)
      continue
    }
    try {
      if (fs.statSync(place.seen).isFile())
        return { _tag: "Found", path, missingOptions: searchFile(place.seen) }
    } catch (cause) {
      const code = codeOf(cause)
      if (!isAbsence(code)) unseen.push(`${path}: the operating system says ${code}`)
    }
  }
  return unseen.length === 0 ? { _tag: "Absent" } : { _tag: "Unknown", why: unseen.join("; ") }
}

const piece = 256 * 1024

const searchFile = (path: string): ReadonlyArray<string> => {
  const handle = fs.openSync(path, "r")
  try {
    const buffer = new Uint8Array(piece)
    let search = MkfsErofs.start
    for (;;) {
      const read = fs.readSync(handle, buffer)
      if (read === 0 || search.missing.length === 0) return search.missing
      search = MkfsErofs.search(search, buffer.subarray(0, read))
    }
  } finally {
    fs.closeSync(handle)
  }
}
