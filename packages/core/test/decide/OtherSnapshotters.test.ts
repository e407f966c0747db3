import { assert, describe, it } from "@effect/vitest"
import {
  HostPath,
  Instance,
  NydusHostShare,
  NydusMode,
  NydusUnit,
  OtherSnapshotters as Others,
} from "../../src/index.ts"
import { same } from "../Sample.ts"

const plugins = (text: string) => Others.pluginsIn(text)

describe("OtherSnapshotters", () => {
  it("are the proxy plugins for snapshots, by either word for them and by whatever address", () => {
    const text = `version = 3
[proxy_plugins.one]
  type = "snapshot"
  address = "/run/one.sock"
[proxy_plugins."two"]
  type = "io.containerd.snapshotter.v1"
  address = "unix:///run/two.sock"
[proxy_plugins.three]
  type = "snapshot"
[proxy_plugins.content]
  type = "content"
  address = "/run/content.sock"
`
    same(plugins(text), [
      { plugin: "one", socket: "/run/one.sock" },
      { plugin: "two", socket: "/run/two.sock" },
      { plugin: "three", socket: undefined },
    ])
    same(plugins("version = 3\n"), [])
  })

  it("are unknown where the file is no TOML", () => {
    assert.isUndefined(plugins("[proxy_plugins"))
    assert.isUndefined(Others.placeIn("root ="))
  })

  for (const [driver, mode] of [
    ["proxy", "guest-pull"],
    ["blockdev", "host-share"],
    ["fusedev", "another"],
    ["fscache", "another"],
  ] as const)
    it(`do what their driver ${driver} says`, () => {
      same(Others.placeIn(`root = "/a/"\naddress = "/b.sock"\n[daemon]\nfs_driver = "${driver}"\n`), {
        root: "/a",
        socket: "/b.sock",
        mode,
      })
    })

  it("use what nydus-snapshotter uses where nothing is said", () => {
    same(Others.placeIn("version = 1\n"), {
      root: "/var/lib/containerd-nydus",
      socket: "/run/containerd-nydus/containerd-nydus-grpc.sock",
      mode: "another",
    })
  })

  it("count an empty or a wrong value as none, and a directory as the same with a slash behind it", () => {
    const usual = Others.placeIn("version = 1\n")
    for (const text of ['root = ""\naddress = ""\n', "root = 7\naddress = 7\n[daemon]\nfs_driver = 7\n"])
      same(Others.placeIn(text), usual)
    for (const [written, root] of [
      ["/a//", "/a"],
      ["/", "/"],
    ] as const)
      assert.strictEqual(Others.placeIn(`root = "${written}"\n`)?.root, root)
  })

  it("are started by units, whose flags win over the configuration", () => {
    const unit = `[Service]
ExecStart=/usr/bin/containerd-nydus-grpc --config /etc/nydus/config.toml \\
  --root=/data/nydus -address "/run/n.sock"
`
    const flags = Others.flagsIn(unit)
    same(flags, { config: "/etc/nydus/config.toml", root: "/data/nydus", address: "/run/n.sock" })
    same(Others.placeIn('root = "/a"\naddress = "/b.sock"\n', flags), {
      root: "/data/nydus",
      socket: "/run/n.sock",
      mode: "another",
    })
    const broken = "ExecStart=/usr/bin/containerd-nydus-grpc --config /etc/c.toml\\\n--root /data\n"
    same(Others.flagsIn(broken), { config: "/etc/c.toml", root: "/data", address: undefined })
    assert.isUndefined(Others.flagsIn("[Service]\nExecStart=/usr/bin/nydusd --config /etc/nydusd.json\n"))
    assert.isUndefined(Others.flagsIn("#ExecStart=/usr/bin/containerd-nydus-grpc --config /etc/c.toml\n"))
  })

  it("read the units and configurations that we write for other instances", () => {
    const instance = Instance.make({ prefix: undefined, suffix: "b" })
    const at = NydusMode.paths("host-share", instance)
    const flags = Others.flagsIn(NydusUnit.text("host-share", instance, "containerd.service"))
    assert.strictEqual(flags?.config, at.config)
    const text = NydusHostShare.configText(instance, { exportMode: "layer_block" })
    same(Others.placeIn(text, flags), { root: at.data, socket: at.socket, mode: "host-share" })
  })

  it("are known by the socket that they share with a configuration, and unknown without", () => {
    const file = HostPath.make("/etc/containerd/config.toml")
    const place = { socket: "/run/one.sock", root: "/data", mode: "another" } as const
    const one = { plugin: "one", socket: "/run/one.sock" }
    same(Others.known(one, file, [place]), { ...one, file, root: "/data", mode: "another" })
    const two = { plugin: "two", socket: "/run/two.sock" }
    same(Others.known(two, file, [place]), { ...two, file, root: undefined, mode: undefined })
  })
})
