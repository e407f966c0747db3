/**
 * Answers: in which two ways is nydus run on a node, and where is everything of each? Guest pull and host sharing have
 * no name, socket, directory or unit in common, so both serve at once. Source: spec 07 §1; facts nydus §10.
 */
import type { Problem } from "../input/Problem.ts"
import * as HostPath from "../model/HostPath.ts"
import { type Instance, name as instanceName } from "../model/Instance.ts"
import { snapshotterName } from "./DropInRendering.ts"

/** `guest-pull`: the guest pulls images itself; `host-share`: the host pulls them and shares them as block devices. */
export type NydusMode = "guest-pull" | "host-share"

/** What is the same for every instance of a mode. */
export interface ModeRow {
  /** The word that stands for it in the settings. */
  readonly setting: "nydus" | "nydus-hs"
  /** Directory of the programs, below the install directory; without a suffix, since that directory has it. */
  readonly directory: string
  /** File name of the configuration. */
  readonly config: string
  /** Programs out of the artifact directory's `nydus-snapshotter`, with the permissions that they have there. */
  readonly programs: ReadonlyArray<string>
  /** What it does, for the unit's description and for messages. */
  readonly says: string
}

/** Both modes with what is the same for every instance. */
export const modes: Readonly<Record<NydusMode, ModeRow>> = {
  "guest-pull": {
    setting: "nydus",
    directory: "nydus-for-kata-tee",
    config: "config-guest-pulling.toml",
    programs: ["containerd-nydus-grpc", "nydus-overlayfs"],
    says: "images are pulled inside the guest",
  },
  "host-share": {
    setting: "nydus-hs",
    directory: "nydus-for-kata-hs",
    config: "config-host-sharing.toml",
    // Copies of its own, so that either mode can go without the other one noticing.
    programs: ["containerd-nydus-grpc", "nydus-overlayfs", "nydus-image"],
    says: "images are pulled on the host and shared with guests as block devices",
  },
}

/** Every mode, in the order in which they are set up. */
export const all: ReadonlyArray<NydusMode> = ["guest-pull", "host-share"]

/** The mode that a word of the settings stands for, if it stands for one. */
export const ofSetting = (word: string): NydusMode | undefined =>
  all.find((mode) => modes[mode].setting === word)

/** Where everything of a mode is. */
export interface NydusPaths {
  /** Name of the proxy plugin, of the snapshotter in handlers, and base of the other names. */
  readonly name: string
  /** The systemd unit. */
  readonly unit: string
  readonly unitFile: HostPath.HostPath
  /** Directory of the programs and of the configuration. */
  readonly directory: HostPath.HostPath
  readonly config: HostPath.HostPath
  readonly socket: HostPath.HostPath
  /** Snapshots; kept by reinstall and uninstall. */
  readonly data: HostPath.HostPath
}

/** The places and names of a mode in an instance. */
export const paths = (mode: NydusMode, instance: Instance): NydusPaths => {
  const row = modes[mode]
  const name = snapshotterName(row.setting, instance)
  const directory = HostPath.join(instance.installDir, row.directory)
  return {
    name,
    unit: `${name}.service`,
    unitFile: HostPath.make(`/etc/systemd/system/${name}.service`),
    directory,
    config: HostPath.join(directory, row.config),
    socket: HostPath.make(`/run/${name}/containerd-nydus-grpc.sock`),
    data: HostPath.make(`/var/lib/${name}`),
  }
}

/** Bytes that the path of a socket may have; `sun_path` of Linux ends with a NUL. */
const socketBytes = 107

/** A problem where the suffix makes the path of the socket too long to be listened on. */
export const socketProblems = (mode: NydusMode, instance: Instance): ReadonlyArray<Problem> => {
  const { socket } = paths(mode, instance)
  if (socket.length <= socketBytes) return []
  return [
    {
      code: "E_SOCKET_PATH_TOO_LONG",
      setting: "MULTI_INSTALL_SUFFIX",
      value: instanceName(instance),
      path: socket,
      message: `${socket} has ${socket.length} characters, and Linux listens on sockets of at most ${socketBytes}; ${modes[mode].setting} could not start.`,
      remedy: `Choose a suffix that is ${socket.length - socketBytes} characters shorter, or leave ${modes[mode].setting} out.`,
    },
  ]
}
