import { lstatSync, readFileSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { Distribution } from "@kata-deploy/core"
import { Effect, Result } from "effect"
import { parse, type TomlTable } from "smol-toml"
import { describe, expect, it } from "vitest"
import { choose, distributions, generationsOf, type HostFlavour } from "../../src/trial/HostFlavour.ts"
import { entries, write } from "../../src/trial/HostTree.ts"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

const flavours: ReadonlyArray<HostFlavour> = distributions.flatMap((distribution) =>
  generationsOf(distribution).map((containerd) => Result.getOrThrow(choose({ distribution, containerd }))),
)

const named = flavours.map((flavour) => [`${flavour.distribution} ${flavour.generation}`, flavour] as const)

/** The file that decides which runtimes containerd has: on k0s the one that k0s merges itself. */
const decisive: Record<HostFlavour["distribution"], string> = {
  k8s: "/etc/containerd/config.toml",
  k3s: "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
  rke2: "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
  k0s: "/run/k0s/containerd-cri.toml",
  microk8s: "/var/snap/microk8s/current/args/containerd-template.toml",
}

const at = (table: TomlTable, ...keys: ReadonlyArray<string>): unknown => {
  let value: unknown = table
  for (const key of keys) value = (value as TomlTable | undefined)?.[key]
  return value
}

describe.each(named)("the sample host of %s", (_name, flavour) => {
  it("holds only TOML that parses", () => {
    for (const entry of entries(flavour)) {
      if (entry.kind === "file" && entry.path.endsWith(".toml")) {
        expect(() => parse(entry.text), entry.path).not.toThrow()
      }
    }
  })

  it("declares its schema and sets what an operator sets", async () => {
    const root = temporaryDirectory()
    await Effect.runPromise(write(root, flavour))
    const config = parse(readFileSync(join(root, decisive[flavour.distribution]), "utf8"))
    expect(config["version"]).toBe(flavour.schema)
    const runtimePlugin = flavour.schema === 3 ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri"
    const runc = ["plugins", runtimePlugin, "containerd", "runtimes", "runc"]
    expect(at(config, ...runc, "options", "SystemdCgroup")).toBe(true)
    const images = ["plugins", flavour.schema === 3 ? "io.containerd.cri.v1.images" : runtimePlugin]
    expect(at(config, ...images, "registry", "config_path")).toMatch(/certs\.d$/)
    const sandbox = flavour.schema === 3 ? ["pinned_images", "sandbox"] : ["sandbox_image"]
    expect(at(config, ...images, ...sandbox)).toMatch(/pause:/)
  })

  it("shows the marker by which the program knows the distribution", async () => {
    const root = temporaryDirectory()
    await Effect.runPromise(write(root, flavour))
    const marker = Distribution.markers.find((row) => row.distribution === flavour.distribution)?.path
    const path = join(root, marker ?? Distribution.vanillaMarkers.containerd)
    expect(lstatSync(path).isDirectory()).toBe(true)
    const others = Distribution.markers.filter((row) => row.distribution !== flavour.distribution)
    for (const other of others) expect(() => realpathSync(join(root, other.path))).toThrow(/ENOENT/)
  })

  it("names the import that a drop-in needs where the distribution renders the configuration", () => {
    if (flavour.distribution !== "k3s" && flavour.distribution !== "rke2") return
    const rendered = entries(flavour).find((entry) => entry.path === decisive[flavour.distribution])
    const directory = flavour.schema === 3 ? "config-v3.toml.d" : "config.toml.d"
    expect(parse(rendered?.kind === "file" ? rendered.text : "")["imports"]).toEqual([
      `/var/lib/rancher/${flavour.distribution}/agent/etc/containerd/${directory}/*.toml`,
    ])
  })
})

describe("writing a sample host", () => {
  it("gives files and directories their modes whatever the umask is", async () => {
    const root = temporaryDirectory()
    const before = process.umask(0o077)
    try {
      await Effect.runPromise(write(root, flavours[0]!))
    } finally {
      process.umask(before)
    }
    const modeOf = (path: string) => lstatSync(join(root, path)).mode & 0o7777
    expect(modeOf("/run/lock")).toBe(0o1777)
    expect(modeOf("/usr/bin/containerd")).toBe(0o755)
    expect(modeOf("/etc/containerd/config.toml")).toBe(0o644)
    expect(modeOf("/etc/containerd")).toBe(0o755)
  })

  it("refuses to write over what is there", async () => {
    const root = temporaryDirectory()
    await Effect.runPromise(write(root, flavours[0]!))
    const again = await Effect.runPromise(Effect.flip(write(root, flavours[0]!)))
    expect(again.message).toContain("writing the sample host")
    expect(again.message).toContain("EEXIST")
  })

  it("lists no path twice", () => {
    for (const flavour of flavours) {
      const paths = entries(flavour).map((entry) => entry.path)
      expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([])
    }
  })
})
