import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import zlib from "node:zlib"
import { Architecture, Shim } from "@kata-deploy/core"
import { Effect } from "effect"
import { parse } from "smol-toml"
import { beforeAll, describe, expect, it } from "vitest"
import { packSampleComponents, type SampleSummary } from "../../src/trial/SampleComponents.ts"
import { sampleConfigs } from "../../src/trial/SampleConfigs.ts"
import { components, manifest } from "../../src/trial/SampleRelease.ts"
import { madeUp, takeNearest } from "../../src/trial/SamplePrograms.ts"
import { sharedDirectory, temporaryDirectory } from "./TemporaryDirectory.ts"

const architecture = Architecture.fromNodeName(process.arch)
const gnuTar =
  spawnSync("tar", ["--zstd", "--version"]).status === 0 && spawnSync("zstd", ["--version"]).status === 0

const directory = sharedDirectory()
let summary: SampleSummary

beforeAll(async () => {
  summary = await Effect.runPromise(packSampleComponents(directory(), architecture))
})

const archiveOf = (component: string): string =>
  join(directory(), "tarballs", `kata-static-${component}.tar.zst`)

const manifestShims = (): Record<string, Record<string, ReadonlyArray<string>>> =>
  JSON.parse(readFileSync(join(directory(), "shim-components.json"), "utf8")).shims

describe("the sample components", () => {
  it("hold enough for progress to be seen, and little enough to be made at once", () => {
    expect(summary.unpacked).toBeGreaterThan(40e6)
    expect(summary.unpacked).toBeLessThan(110e6)
    expect(summary.packed).toBeLessThan(summary.unpacked)
  })

  it("leave nothing but archives, manifest and versions", () => {
    expect(readdirSync(directory()).sort()).toEqual(["shim-components.json", "tarballs", "versions.yaml"])
    expect(readdirSync(join(directory(), "tarballs"))).toHaveLength(summary.components.length)
  })

  it("name in the manifest only archives that exist", () => {
    const named = new Set(Object.values(manifestShims()).flatMap((shim) => Object.values(shim).flat()))
    expect(named.size).toBe(summary.components.length)
    for (const component of named) expect(existsSync(archiveOf(component)), component).toBe(true)
  })

  it("serve every hypervisor key", () => {
    const shims = Object.keys(manifestShims())
    expect(shims).toEqual(expect.arrayContaining(["qemu", "clh", "fc", "qemu-runtime-rs", "dragonball"]))
    const keys = new Set(shims.map((shim) => Shim.lookup(shim)?.hypervisor))
    expect([...keys].sort()).toEqual(["clh", "dragonball", "firecracker", "openvmm", "qemu", "remote"])
  })

  it("say how much they hold, so that an install can ask for space beforehand", () => {
    const bytes = readFileSync(archiveOf("qemu"))
    // Frame header descriptor (RFC 8878, 3.1.1.1): its two highest bits tell how long the content size is.
    expect(bytes.readUInt32LE(0)).toBe(0xfd2fb528)
    expect(bytes[4]! >> 6).toBe(2)
    expect(bytes.readUInt32LE(6)).toBe(zlib.zstdDecompressSync(bytes).length)
  })

  it.runIf(gnuTar)("are read by GNU tar, from the top directory on", () => {
    for (const component of summary.components) {
      const names = execFileSync("tar", ["--zstd", "-tf", archiveOf(component)], { encoding: "utf8" })
        .trim()
        .split("\n")
      expect(names.slice(0, 3)).toEqual(["./", "./opt/", "./opt/kata/"])
      expect(
        names.every((name) => name === "./" || name === "./opt/" || name.startsWith("./opt/kata/")),
      ).toBe(true)
    }
  })

  it.runIf(gnuTar)("unpack to the paths, modes and links of a release", () => {
    const listing = (component: string) =>
      execFileSync("tar", ["--zstd", "-tvf", archiveOf(component)], { encoding: "utf8" })
    expect(listing("shim-v2-go")).toMatch(
      /-rwxr-xr-x root\/root .* \.\/opt\/kata\/bin\/containerd-shim-kata-v2\n/,
    )
    expect(listing("shim-v2-rust")).toMatch(
      /-rwxr-xr-x .* \.\/opt\/kata\/runtime-rs\/bin\/containerd-shim-kata-v2\n/,
    )
    expect(listing("kernel")).toMatch(/lrwxrwxrwx .*\/vmlinux\.container -> vmlinux-6\.\d+\.\d+-\d+\n/)
    expect(listing("rootfs-image")).toMatch(
      /lrwxrwxrwx .*\/kata-containers\.img -> kata-ubuntu-noble\.image\n/,
    )
    expect(listing("shim-v2-go")).toContain("configuration.toml -> configuration-qemu.toml")
  })

  it("are the same bytes when they are made again", async () => {
    const again = temporaryDirectory()
    await Effect.runPromise(packSampleComponents(again, architecture))
    const digest = (root: string, name: string) =>
      createHash("sha256")
        .update(readFileSync(join(root, "tarballs", name)))
        .digest("hex")
    for (const name of readdirSync(join(directory(), "tarballs"))) {
      expect(digest(again, name), name).toBe(digest(directory(), name))
    }
  })
})

describe("the sample release", () => {
  it.each(["x86_64", "aarch64", "s390x", "ppc64le"])("is complete on %s", (name) => {
    const existing = components(name).map((component) => component.name)
    const shims = (manifest(name) as { shims: Record<string, Record<string, ReadonlyArray<string>>> }).shims
    for (const byArchitecture of Object.values(shims)) {
      expect(existing).toEqual(expect.arrayContaining([...byArchitecture[name]!]))
    }
    const paths = components(name).flatMap((component) => component.entries.map((entry) => entry.path))
    expect(paths).toContain(`bin/qemu-system-${Architecture.qemuTarget(name)}`)
  })

  it("brings each path in one component only, and points no link to nowhere", () => {
    const entries = components("x86_64").flatMap((component) => component.entries)
    const paths = entries.map((entry) => entry.path)
    expect(new Set(paths).size).toBe(paths.length)
    for (const entry of entries) {
      if (entry.kind === "link") expect(paths).toContain(join(entry.path, "..", entry.target))
    }
  })

  it("brings a configuration for each shim, with the keys that an install reads", () => {
    for (const config of [
      ...sampleConfigs("go", "qemu-system-x86_64"),
      ...sampleConfigs("rust", "qemu-system-x86_64"),
    ]) {
      const row = Shim.lookup(config.shim)!
      const read = parse(config.text) as {
        hypervisor: Record<string, Record<string, unknown>>
        runtime: unknown
      }
      expect(Object.keys(read.hypervisor)).toEqual([row.hypervisor])
      expect(Object.keys(read.hypervisor[row.hypervisor]!)).toEqual(
        expect.arrayContaining([
          "path",
          "kernel",
          "image",
          "enable_annotations",
          "kernel_params",
          "virtio_fs_daemon",
        ]),
      )
      expect(read).toHaveProperty("agent.kata")
      expect(read.runtime).toMatchObject({ enable_debug: false })
      expect(config.path).toBe(
        `share/defaults/kata-containers/${row.runtime === "rust" ? "runtime-rs/" : ""}configuration-${config.shim}.toml`,
      )
    }
  })

  it("names in its configurations only files that it brings", () => {
    const paths = components("x86_64").flatMap((component) =>
      component.entries.map((entry) => `/opt/kata/${entry.path}`),
    )
    for (const config of [
      ...sampleConfigs("go", "qemu-system-x86_64"),
      ...sampleConfigs("rust", "qemu-system-x86_64"),
    ]) {
      for (const [named] of config.text.matchAll(/\/opt\/kata\/[^"]+/g)) expect(paths).toContain(named)
    }
  })
})

describe("choosing programs of this machine", () => {
  it("takes the one of the nearest size, once", () => {
    const pool = [
      { path: "a", size: 1000 },
      { path: "b", size: 900 },
      { path: "c", size: 400 },
    ]
    expect(takeNearest(pool, 940)?.path).toBe("b")
    expect(takeNearest(pool, 940)?.path).toBe("a")
    expect(takeNearest(pool, 940)).toBeUndefined()
    expect(pool).toHaveLength(1)
  })

  it("makes up bytes that compress like a program where there is none", () => {
    const bytes = madeUp("bin/qemu", 1_000_000)
    expect(bytes).toHaveLength(1_000_000)
    expect(bytes.equals(madeUp("bin/qemu", 1_000_000))).toBe(true)
    expect(bytes.equals(madeUp("bin/other", 1_000_000))).toBe(false)
    const share = zlib.zstdCompressSync(bytes).length / bytes.length
    expect(share).toBeGreaterThan(0.15)
    expect(share).toBeLessThan(0.7)
  })
})
