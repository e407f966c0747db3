import { assert, describe, it } from "@effect/vitest"
import { FileState } from "@kata-deploy/core"
import { SampleArchive } from "@kata-deploy/core/testing"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import zlib from "node:zlib"
import { portOver, sampleHost } from "./SampleHost.ts"

const fixture = { archives: { "tarballs/kernel.tar.zst": [SampleArchive.file("a", "text")] } }
const kernel = "tarballs/kernel.tar.zst"

describe("the artifact directory", () => {
  it.effect("an archive is known by digest, size, time and inode", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(fixture)
      const file = join(host.artifacts, kernel)
      const facts = yield* portOver(host).archive(kernel, undefined)
      const { ino, mtimeMs, size } = fs.statSync(file)
      const sha256 = createHash("sha256").update(fs.readFileSync(file)).digest("hex")
      assert.deepStrictEqual(facts?.id, { sha256, size, modifiedMs: mtimeMs, inode: String(ino) })
      // A header, a block of content and the two blocks at the end.
      assert.strictEqual(facts?.unpackedBytes, 2048)
    }),
  )

  it.effect("a digest is computed again only when size, time or inode differ", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(fixture)
      const port = portOver(host)
      const facts = yield* port.archive(kernel, undefined)
      assert.isDefined(facts)
      const believed = { ...facts.id, sha256: "believed" }
      assert.strictEqual((yield* port.archive(kernel, believed))?.id.sha256, "believed")
      for (const other of [{ modifiedMs: 1 }, { size: 1 }, { inode: "1" }]) {
        const seen = yield* port.archive(kernel, { ...believed, ...other })
        assert.strictEqual(seen?.id.sha256, facts.id.sha256)
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
      const error = yield* Effect.flip(portOver(host).archivedConfigs("shim"))
      assert.deepInclude(error.reason, { _tag: "BadArchive", archive: "shim", entry: `./opt/kata/${name}` })
    }),
  )
})
