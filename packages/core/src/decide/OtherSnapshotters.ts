/**
 * Answers: which snapshotters has containerd on this node besides ours, and where do they keep what is theirs? Told by
 * the proxy plugins of containerd's files, and by the units and configurations of nydus-snapshotter behind them.
 * Source: facts nydus §10; nydus-snapshotter v0.15, `internal/constant` and `config`.
 */
import { Result } from "effect"
import type * as HostPath from "../model/HostPath.ts"
import * as Toml from "../toml/Toml.ts"
import type { NydusMode } from "./NydusMode.ts"

/** A proxy plugin for snapshots in a file of containerd. */
export interface ProxyPlugin {
  readonly plugin: string
  /** The path of its socket; `undefined` where the file has none. */
  readonly socket: string | undefined
}

/** Where a nydus-snapshotter listens and keeps its snapshots. */
export interface SnapshotterPlace {
  readonly socket: string
  readonly root: string
  /** `another` for one that neither lets guests pull nor shares with them as block devices. */
  readonly mode: NydusMode | "another"
}

/** A snapshotter on the node that is not ours. */
export interface OtherSnapshotter extends ProxyPlugin {
  /** The file of containerd that names it. */
  readonly file: HostPath.HostPath
  /** `undefined` where no configuration of it could be found and read. */
  readonly root: string | undefined
  readonly mode: NydusMode | "another" | undefined
}

/** Others as far as they were seen. */
export interface OthersSeen {
  readonly found: ReadonlyArray<OtherSnapshotter>
  /** What could not be seen, each a clause. */
  readonly unseen: ReadonlyArray<string>
}

const kinds = ["snapshot", "io.containerd.snapshotter.v1"]

const bare = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, "") : path)

const textAt = (table: Toml.Table, ...keys: ReadonlyArray<string>): string | undefined => {
  const value = Toml.at(table, ...keys)
  return typeof value === "string" && value !== "" ? value : undefined
}

/** The proxy plugins for snapshots in a file of containerd; `undefined` where it is not TOML. */
export const pluginsIn = (text: string): ReadonlyArray<ProxyPlugin> | undefined =>
  Result.match(Toml.parse(text), {
    onFailure: () => undefined,
    onSuccess: (file) =>
      Object.entries(Toml.tableAt(file, "proxy_plugins") ?? {}).flatMap(([plugin, table]) =>
        Toml.isTable(table) && kinds.includes(textAt(table, "type") ?? "")
          ? [{ plugin, socket: textAt(table, "address")?.replace(/^unix:\/\//, "") }]
          : [],
      ),
  })

/** What a nydus-snapshotter uses where nobody says otherwise. */
const usual = {
  socket: "/run/containerd-nydus/containerd-nydus-grpc.sock",
  root: "/var/lib/containerd-nydus",
} as const

const modeOf = (driver: string | undefined): SnapshotterPlace["mode"] => {
  if (driver === "proxy") return "guest-pull"
  return driver === "blockdev" ? "host-share" : "another"
}

/** How a unit starts a nydus-snapshotter. */
export interface UnitFlags {
  /** Its configuration. */
  readonly config: string | undefined
  /** These win over the configuration. */
  readonly root: string | undefined
  readonly address: string | undefined
}

const noFlags: UnitFlags = { config: undefined, root: undefined, address: undefined }

/** Where the snapshotter of a configuration is; `undefined` for a text that is not TOML. */
export const placeIn = (text: string, flags: UnitFlags = noFlags): SnapshotterPlace | undefined =>
  Result.match(Toml.parse(text), {
    onFailure: () => undefined,
    onSuccess: (config) => ({
      socket: flags.address ?? textAt(config, "address") ?? usual.socket,
      root: bare(flags.root ?? textAt(config, "root") ?? usual.root),
      mode: modeOf(textAt(config, "daemon", "fs_driver")),
    }),
  })

/** The flags with which a unit starts nydus-snapshotter; `undefined` for a unit that starts something else. */
export const flagsIn = (unit: string): UnitFlags | undefined => {
  const command = /^ExecStart=(.*containerd-nydus-grpc.*)$/m.exec(unit.replace(/\\\n/g, " "))?.[1]
  if (command === undefined) return undefined
  const flag = (name: string): string | undefined =>
    new RegExp(`(?:^|\\s)--?${name}[=\\s]+"?([^\\s"]+)`).exec(command)?.[1]
  return { config: flag("config"), root: flag("root"), address: flag("address") }
}

/** A plugin together with what is known of the snapshotter that listens at its socket. */
export const known = (
  plugin: ProxyPlugin,
  file: HostPath.HostPath,
  places: ReadonlyArray<SnapshotterPlace>,
): OtherSnapshotter => {
  const place = places.find(({ socket }) => socket === plugin.socket)
  return { ...plugin, file, root: place?.root, mode: place?.mode }
}
