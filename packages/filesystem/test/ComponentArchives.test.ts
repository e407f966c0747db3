import { assert, describe, it } from "@effect/vitest"
import { Checksums } from "@kata-deploy/core"
import { SampleArchive } from "@kata-deploy/core/testing"
import { Effect } from "effect"
import { createHash, generateKeyPairSync, sign } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import * as ComponentArchives from "../src/ComponentArchives.ts"
import { sampleHost, temporaryDirectory } from "./SampleHost.ts"

const archiveOf = (component: string) => `tarballs/kata-static-${component}.tar.zst`
const archives = {
  [archiveOf("kernel")]: [SampleArchive.file("share/vmlinux", "kernel")],
  [archiveOf("qemu")]: [SampleArchive.file("bin/qemu", "qemu")],
}

const digest = (path: string): string => createHash("sha256").update(fs.readFileSync(path)).digest("hex")

/** Writes checksums of these files, right ones unless said otherwise. */
const listed = (
  directory: string,
  paths: ReadonlyArray<string>,
  wrong: ReadonlyArray<string> = [],
): Buffer => {
  const found = paths.map((path) => [path, digest(join(directory, path))] as const)
  const text = Checksums.print(new Map([...found, ...wrong.map((path) => [path, "0".repeat(64)] as const)]))
  fs.writeFileSync(join(directory, Checksums.path), text)
  return Buffer.from(text)
}

const verified = (directory: string) => ComponentArchives.verify(directory, undefined)

/** What is wrong, by path. */
const problems = ({ archives: found, files }: ComponentArchives.Verification) =>
  Object.fromEntries(
    [
      ...found.map(({ archive, problem }) => [archive, problem] as const),
      ...files.map((f) => [f.path, f.problem] as const),
    ].filter(([, problem]) => problem !== null),
  )

describe("checking a directory of archives", () => {
  it.effect("finds every archive that must not be used, and says why", () =>
    Effect.gen(function* () {
      const { artifacts } = yield* sampleHost({
        archives: {
          ...archives,
          [archiveOf("cut")]: [SampleArchive.file("a", "a")],
          [archiveOf("hostile")]: [SampleArchive.link("d", "/etc"), SampleArchive.file("d/passwd", "x")],
          [archiveOf("none")]: "corrupt",
        },
      })
      fs.truncateSync(join(artifacts, archiveOf("cut")), 30)
      const found = yield* verified(artifacts)
      assert.strictEqual(found.trust, "none")
      assert.deepStrictEqual(problems(found), {
        [archiveOf("cut")]: "it ends too early",
        [archiveOf("hostile")]: "./opt/kata/d/passwd: d is no directory elsewhere in it",
        [archiveOf("none")]: problems(found)[archiveOf("none")],
      })
      assert.include(problems(found)[archiveOf("none")], "no zstd stream")
    }),
  )

  it.effect("holds whatever checksums list against them, and the programs of nydus", () =>
    Effect.gen(function* () {
      const grpc = "nydus-snapshotter/containerd-nydus-grpc"
      const { artifacts } = yield* sampleHost({
        archives,
        artifacts: { "versions.yaml": "v: 1\n", "notes.txt": "nobody lists this" },
        programs: { [grpc]: "program", "nydus-snapshotter/README": "nobody installs this" },
      })
      const listing = [archiveOf("kernel"), archiveOf("qemu")]
      listed(artifacts, [...listing, "versions.yaml"], ["gone.txt", "../outside", archiveOf("gone")])
      const found = yield* verified(artifacts)
      assert.strictEqual(found.trust, "listed")
      const missing = "there is no such file or directory"
      assert.deepStrictEqual(problems(found), {
        "gone.txt": missing,
        "../outside": missing,
        [archiveOf("gone")]: missing,
        [grpc]: "checksums.sha256 does not list it",
      })
      listed(artifacts, [...listing, grpc], ["versions.yaml"])
      assert.match(problems(yield* verified(artifacts))["versions.yaml"] ?? "", /^its checksum is/)
      listed(artifacts, [...listing, grpc, "versions.yaml"])
      const { files } = yield* verified(artifacts)
      assert.deepStrictEqual(
        files.map(({ path, problem, sha256 }) => [path, problem, sha256 === digest(join(artifacts, path))]),
        [
          [grpc, null, true],
          ["versions.yaml", null, true],
        ],
      )
    }),
  )

  it.effect("says nothing of archives where the checksums themselves cannot be relied on", () =>
    Effect.gen(function* () {
      const { artifacts } = yield* sampleHost({ archives })
      const { privateKey, publicKey } = generateKeyPairSync("ed25519")
      const why = Effect.map(
        Effect.flip(ComponentArchives.verify(artifacts, publicKey)),
        ({ message }) => message,
      )
      assert.match(yield* why, /rely on the checksums of .*: checksums\.sha256 is refused: it is missing/)
      const text = listed(artifacts, [archiveOf("kernel"), archiveOf("qemu")])
      assert.match(yield* why, /checksums\.sha256\.sig is refused: it is missing/)
      fs.writeFileSync(join(artifacts, Checksums.signaturePath), sign(null, Buffer.from("other"), privateKey))
      assert.match(yield* why, /checksums\.sha256 is refused: its signature does not fit/)
      fs.writeFileSync(join(artifacts, Checksums.signaturePath), sign(null, text, privateKey))
      const found = yield* ComponentArchives.verify(artifacts, publicKey)
      assert.deepStrictEqual([found.trust, problems(found)], ["signed", {}])
      fs.writeFileSync(join(artifacts, Checksums.path), "nonsense\n")
      const { message } = yield* Effect.flip(verified(artifacts))
      assert.include(message, "checksums.sha256 is refused: line 1 is no checksum and path")
    }),
  )
})

describe("listing a directory of archives", () => {
  it.effect("tells of all of them, also where one cannot be looked into", () =>
    Effect.gen(function* () {
      const { artifacts } = yield* sampleHost({ archives })
      fs.mkdirSync(join(artifacts, archiveOf("directory")))
      fs.symlinkSync("nowhere", join(artifacts, archiveOf("dangling")))
      const found = yield* ComponentArchives.list(artifacts)
      assert.deepStrictEqual(
        found.map(({ component, parts, problem }) => [component, parts, problem]),
        [
          ["dangling", 0, "there is no such file or directory"],
          ["directory", 0, "tarballs/kata-static-directory.tar.zst is no regular file"],
          ["kernel", 1, null],
          ["qemu", 1, null],
        ],
      )
    }),
  )

  it.effect("names the directory that is not there", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporaryDirectory, "nowhere")
      const { message } = yield* Effect.flip(ComponentArchives.list(directory))
      assert.strictEqual(
        message,
        `Could not list the archives in ${directory}/tarballs: there is no such file or directory`,
      )
    }),
  )
})

describe("a public key", () => {
  it.effect("that cannot be used is told without the words of a library", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const file = join(directory, "key")
      const why = () => {
        const read = ComponentArchives.readPublicKey(file)
        return read.key === undefined ? read.why : "used"
      }
      assert.strictEqual(why(), "there is no such file or directory")
      fs.writeFileSync(file, "no key")
      assert.strictEqual(why(), "it holds no public key")
      const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 })
      fs.writeFileSync(file, publicKey.export({ type: "spki", format: "pem" }))
      assert.strictEqual(why(), "it is a key for rsa")
    }),
  )
})
