import { assert, describe, it } from "@effect/vitest"
import { FileState } from "@kata-deploy/core"
import { SampleArchive } from "@kata-deploy/core/testing"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import zlib from "node:zlib"
import { portOver, sampleHost } from "./SampleHost.ts"

const fixture = { archives: { "tarballs/kernel.tar.zst": [SampleArchive.file("a", "text")] } }
const kernel = "tarballs/kernel.tar.zst"

describe("the artifact directory", () => {
  it.effect("an archive is known by size, time and inode, and by its digest once somebody asks for it", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(fixture)
      const file = join(host.artifacts, kernel)
      const facts = yield* portOver(host).archive(kernel, undefined)
      const { ino, mtimeMs, size } = fs.statSync(file)
      assert.deepStrictEqual(facts?.id, { sha256: null, size, modifiedMs: mtimeMs, inode: String(ino) })
      const sha256 = createHash("sha256").update(fs.readFileSync(file)).digest("hex")
      assert.strictEqual(yield* portOver(host).archiveDigest(kernel), sha256)
      // A header, a block of content and the two blocks at the end.
      assert.strictEqual(facts?.unpackedBytes, 2048)
    }),
  )

  it.effect("is read for its digest only where it may be the one that is known", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(fixture)
      const port = portOver(host)
      const facts = yield* port.archive(kernel, undefined)
      assert.isDefined(facts)
      const sha256 = yield* port.archiveDigest(kernel)
      const believed = { ...facts.id, sha256: "believed" }
      const seenAfter = (known: typeof facts.id) =>
        Effect.map(port.archive(kernel, known), (seen) => seen?.id.sha256)
      assert.strictEqual(yield* seenAfter(believed), "believed")
      assert.strictEqual(yield* seenAfter({ ...believed, modifiedMs: 1 }), sha256)
      assert.strictEqual(yield* seenAfter({ ...believed, inode: "1" }), sha256)
      assert.isNull(yield* seenAfter({ ...believed, size: 1 }))
      assert.isNull(yield* seenAfter({ ...believed, sha256: null }))
    }),
  )

  it.effect("is read for its configurations only as far as they are wanted", () =>
    Effect.gen(function* () {
      const config = "share/defaults/kata-containers/configuration-qemu.toml"
      const long = randomBytes(2_000_000).toString("hex")
      const host = yield* sampleHost({
        archives: { shim: [SampleArchive.file(config, "q = 1\n"), SampleArchive.file("bin/shim", long)] },
      })
      fs.truncateSync(join(host.artifacts, "shim"), 1_500_000)
      const port = portOver(host)
      assert.deepStrictEqual([...(yield* port.archivedConfigs("shim", [config]))], [[config, "q = 1\n"]])
      for (const wanted of ["all", [config, `${config}.other`]] as const) {
        const error = yield* Effect.flip(port.archivedConfigs("shim", wanted))
        assert.strictEqual(error.reason._tag, "BadArchive")
      }
    }),
  )

  it.effect("links are followed, as a mounted ConfigMap has them", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ artifacts: { "..data/versions.yaml": "v: 1\n" } })
      fs.symlinkSync("..data/versions.yaml", join(host.artifacts, "versions.yaml"))
      const state = yield* portOver(host).artifact("versions.yaml")
      assert.strictEqual(FileState.textOf(state), "v: 1\n")
    }),
  )

  it.effect("a directory in the archive's place is refused", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({})
      fs.mkdirSync(join(host.artifacts, "kernel"))
      const error = yield* Effect.flip(portOver(host).archive("kernel", undefined))
      assert.strictEqual(error.reason._tag, "Refused")
    }),
  )

  it.effect("a configuration that is not UTF-8 is refused with its name", () =>
    Effect.gen(function* () {
      const name = "share/defaults/kata-containers/configuration-qemu.toml"
      const host = yield* sampleHost({ artifacts: { "opt/placeholder": "" } })
      const file = join(host.artifacts, "opt/kata", name)
      fs.mkdirSync(join(file, ".."), { recursive: true })
      fs.writeFileSync(file, Buffer.from([0xff, 0xfe]))
      const tar = execFileSync("tar", ["-C", host.artifacts, "-cf", "-", "./opt/kata"])
      fs.writeFileSync(join(host.artifacts, "shim"), zlib.zstdCompressSync(tar))
      const error = yield* Effect.flip(portOver(host).archivedConfigs("shim", "all"))
      assert.deepInclude(error.reason, { _tag: "BadArchive", archive: "shim", entry: `./opt/kata/${name}` })
    }),
  )
})
