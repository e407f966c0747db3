import { assert, describe, it, vi } from "@effect/vitest"
import { HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import { ArchiveReader } from "../src/ArchiveReader.ts"
import * as ComponentArchives from "../src/ComponentArchives.ts"
import * as IndexFrame from "../src/IndexFrame.ts"
import { pack } from "../src/Packing.ts"
import { Refusal } from "../src/Refusal.ts"
import { openBest } from "../src/DirectoryHandle.ts"
import { crews, threads } from "../src/Crew.ts"
import { portOver, sampleHost, temporaryDirectory } from "./SampleHost.ts"

const mebibyte = 1024 * 1024
const config = "share/defaults/kata-containers/configuration-qemu.toml"

/** Bytes that do not compress to nothing, so that parts are worth something. */
const bytesOf = (seed: number, length: number): Buffer => {
  const block = createHash("sha512").update(String(seed)).digest()
  return Buffer.alloc(length, block)
}

/** A tree of several parts: large files, small ones, links, an empty directory, a long name. */
const plantTree = (root: string): void => {
  for (const directory of ["bin", "share/many", "share/empty", join(config, "..")])
    fs.mkdirSync(join(root, directory), { recursive: true })
  for (const [at, name] of ["bin/shim", "bin/tool", "share/image"].entries())
    fs.writeFileSync(join(root, name), bytesOf(at, 9 * mebibyte + at))
  for (let i = 0; i < 50; i++) fs.writeFileSync(join(root, `share/many/${i}`), `small ${i}`)
  fs.writeFileSync(join(root, `share/many/${"n".repeat(180)}`), "long")
  fs.writeFileSync(join(root, config), "q = 1\n")
  fs.symlinkSync("image", join(root, "share/current"))
  for (const path of fs.readdirSync(root, { recursive: true, encoding: "utf8" }))
    fs.lutimesSync(join(root, path), 1_700_000_000, 1_700_000_000)
}

/** What tells two trees apart. */
const inventory = (root: string): ReadonlyArray<string> =>
  fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => !path.startsWith(".kata-deploy"))
    .sort()
    .map((path) => {
      const stat = fs.lstatSync(join(root, path))
      if (stat.isSymbolicLink()) return `${path} -> ${fs.readlinkSync(join(root, path))}`
      if (stat.isDirectory()) return `${path}/`
      const digest = createHash("sha256").update(fs.readFileSync(join(root, path)))
      return `${path} ${stat.mtimeMs} ${digest.digest("hex")}`
    })

const packTree = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const tree = join(directory, "tree")
  const archive = join(directory, "out/kata-static-it.tar.zst")
  plantTree(tree)
  const packed = yield* Effect.promise(() => pack({ tree, component: "it", archive, level: 1 }))
  return { archive, directory, packed, tree }
})

const hasTar =
  spawnSync("tar", ["--zstd", "--version"]).status === 0 && spawnSync("zstd", ["-V"]).status === 0

/** Milliseconds: packing is a second of work for one core, and others may have it. */
const patience = 30_000

describe("packing a component", () => {
  it.effect("leaves nothing where it is ended early", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const tree = join(directory, "tree")
      plantTree(tree)
      const end = new AbortController()
      const out = join(directory, "out")
      const packing = pack({ tree, component: "it", archive: join(out, "it.tar.zst"), level: 1 }, end.signal)
      assert.lengthOf(fs.readdirSync(out), 1, "it has begun")
      end.abort()
      const ended = yield* Effect.promise(() => packing.catch((error: unknown) => error))
      assert.strictEqual((ended as Error).name, "AbortError")
      assert.deepStrictEqual(fs.readdirSync(out), [])
    }),
  )

  it.effect(
    "the same tree gives the same bytes, wherever it lies",
    () =>
      Effect.gen(function* () {
        const [one, other] = [yield* packTree, yield* packTree]
        assert.strictEqual(one.packed.sha256, other.packed.sha256)
        const digest = createHash("sha256").update(fs.readFileSync(one.archive)).digest("hex")
        assert.strictEqual(digest, one.packed.sha256)
        assert.deepStrictEqual(fs.readdirSync(join(one.directory, "out")), ["kata-static-it.tar.zst"])
        // Putting a tree together gives directories and links times of their own.
        for (const path of ["bin", "share/empty", "share/current"]) fs.lutimesSync(join(one.tree, path), 1, 1)
        const request = { tree: one.tree, component: "it", archive: one.archive, level: 1 }
        const { sha256 } = yield* Effect.promise(() => pack(request))
        assert.strictEqual(sha256, one.packed.sha256)
      }),
    patience,
  )

  it.effect.skipIf(!hasTar)("tar --zstd unpacks it", () =>
    Effect.gen(function* () {
      const { archive, directory, tree } = yield* packTree
      execFileSync("tar", ["--zstd", "-C", directory, "-xf", archive])
      assert.deepStrictEqual(inventory(join(directory, "opt/kata")), inventory(tree))
    }),
  )

  it.effect(
    "thousands of small files make parts of their own, though they are few bytes",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const tree = join(directory, "tree")
        fs.mkdirSync(tree)
        for (let i = 0; i < 600; i++) fs.writeFileSync(join(tree, String(i)), `small ${i}`)
        const archive = join(directory, "kata-static-it.tar.zst")
        const { parts } = yield* Effect.promise(() => pack({ tree, component: "it", archive, level: 1 }))
        assert.strictEqual(parts, 3)
      }),
    patience,
  )

  it.effect("one of a single part has the digest of the whole file, index and all, once it is unpacked", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const tree = join(directory, "tree")
      fs.mkdirSync(tree)
      fs.writeFileSync(join(tree, "small"), "small")
      const host = yield* sampleHost({})
      const archive = join(host.artifacts, "it")
      const { parts, sha256 } = yield* Effect.promise(() =>
        pack({ tree, component: "it", archive, level: 1 }),
      )
      assert.strictEqual(parts, 1)
      const port = portOver(host)
      const facts = yield* port.archive("it", undefined)
      assert.isNull(facts?.id.sha256)
      const into = HostPath.make("/opt/kata")
      const staging = HostPath.join(into, ".kata-deploy/staging")
      const component = { name: "it", archive: "it", id: facts!.id, replaces: [] }
      const done = yield* port.extract(
        { _tag: "Extract", into, staging, components: [component], except: [], owned: [] },
        () => Effect.void,
        () => Effect.void,
      )
      yield* done.commit
      assert.deepStrictEqual([...done.digests], [["it", sha256]])
    }),
  )

  it.effect(
    "its parts are unpacked by several threads to the tree that it was made of",
    () =>
      Effect.gen(function* () {
        const { archive, tree } = yield* packTree
        const host = yield* sampleHost({})
        fs.copyFileSync(archive, join(host.artifacts, "it"))
        assert.isAbove(IndexFrame.parts(archive, "it").length, 1)
        const many = threads(2)
        const port = portOver(host, openBest, crews(many, many))
        const into = HostPath.make("/opt/kata")
        const facts = yield* port.archive("it", undefined)
        assert.isAbove(facts?.unpackedBytes ?? 0, 27 * mebibyte)
        const component = { name: "it", archive: "it", id: facts!.id, replaces: [] }
        const staging = HostPath.join(into, ".kata-deploy/staging")
        const done = yield* port.extract(
          { _tag: "Extract", into, staging, components: [component], except: [], owned: [] },
          () => Effect.void,
          () => Effect.void,
        )
        yield* done.commit
        assert.deepStrictEqual(inventory(join(host.root, into)), inventory(tree))
        const sha256 = createHash("sha256").update(fs.readFileSync(archive)).digest("hex")
        assert.deepStrictEqual([...done.digests], [["it", sha256]])
        assert.deepStrictEqual([...(yield* port.archivedConfigs("it", "all"))], [[config, "q = 1\n"]])
        yield* Effect.promise(() => many.close())
      }),
    patience,
  )

  it.effect(
    "an index whose parts are cut elsewhere than between entries is refused",
    () =>
      Effect.gen(function* () {
        const { archive } = yield* packTree
        const index = IndexFrame.read(archive, "it")!
        const [first, second, ...rest] = index.parts
        const bytes = fs.readFileSync(archive)
        const end = bytes.length - IndexFrame.encode(index).length
        const moved = { ...first!, size: first!.size + 1 }
        const parts = [moved, { ...second!, size: second!.size - 1 }, ...rest]
        const host = yield* sampleHost({})
        const forged = Buffer.concat([bytes.subarray(0, end), IndexFrame.encode({ ...index, parts })])
        fs.writeFileSync(join(host.artifacts, "it"), forged)
        const error = yield* Effect.flip(portOver(host).archivedConfigs("it", "all"))
        assert.strictEqual(error.reason._tag, "BadArchive")
      }),
    patience,
  )

  /** Why a tree is not packed, as a sentence. */
  const refusal = (tree: string, archive: string) =>
    Effect.map(
      Effect.flip(ComponentArchives.pack({ tree, component: "it", archive, level: 1 })),
      ({ message }) => message,
    )

  it.effect("a failure names the file that it is about", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const at = (path: string) => join(directory, path)
      fs.mkdirSync(at("tree"))
      fs.writeFileSync(at("tree/a"), "a")
      const missing = "there is no such file or directory"
      assert.strictEqual(yield* refusal(at("none"), at("x")), `Could not read ${at("none")}: ${missing}`)
      assert.match(yield* refusal(at("tree/a"), at("x")), /Could not read .*\/a: .* is no directory/)
      fs.mkdirSync(at("taken"))
      assert.strictEqual(
        yield* refusal(at("tree"), at("taken")),
        `Could not write ${at("taken")}: it is a directory`,
      )
      fs.writeFileSync(at("file"), "")
      assert.match(
        yield* refusal(at("tree"), at("file/x")),
        /Could not write .*\/file\/x: .* is no directory/,
      )
      assert.match(yield* refusal(at("tree"), "/proc/none/x"), /Could not write \/proc\/none\/x: /)
      assert.match(yield* refusal(at("tree"), at("tree/a/x")), /would lie in the tree/)
      assert.match(yield* refusal(at("tree"), at("taken/../tree/x")), /would lie in the tree/)
      fs.rmSync(at("tree/a"))
      assert.match(yield* refusal(at("tree"), at("x")), /^Could not pack .*tree as it: .*tree is empty$/)
      fs.symlinkSync(Buffer.from([0xff, 0x61]), at("tree/link"))
      assert.match(
        yield* refusal(at("tree"), at("x")),
        /tree\/link cannot be packed: its target is not UTF-8/,
      )
      assert.deepStrictEqual(fs.readdirSync(directory).sort(), ["file", "taken", "tree"])
    }),
  )

  it.effect("a file that cannot be read in the middle is a failure with its name, and leaves nothing", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const tree = join(directory, "tree")
      fs.mkdirSync(tree)
      for (const name of ["a", "secret", "z"]) fs.writeFileSync(join(tree, name), name)
      const open = fs.openSync
      vi.spyOn(fs, "openSync").mockImplementation(((path: string, ...rest: [string]) => {
        if (path.endsWith("secret")) throw Object.assign(new Error("no"), { code: "EACCES" })
        return open(path, ...rest)
      }) as typeof fs.openSync)
      const message = yield* refusal(tree, join(directory, "out/x"))
      vi.restoreAllMocks()
      assert.strictEqual(message, `Could not read ${join(tree, "secret")}: no permission`)
      assert.deepStrictEqual(fs.readdirSync(join(directory, "out")), [])
    }),
  )

  it.effect("a file that an install would take for a bomb is not packed", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const tree = join(directory, "tree")
      fs.mkdirSync(join(tree, "share"), { recursive: true })
      fs.writeFileSync(join(tree, "share/a"), "a")
      fs.writeFileSync(join(tree, "share/image"), "data")
      fs.truncateSync(join(tree, "share/image"), 70 * mebibyte)
      const message = yield* refusal(tree, join(directory, "out/x"))
      assert.match(message, /: share\/image would unpack to more than 200 times what it takes in the archive/)
      assert.deepStrictEqual(fs.readdirSync(join(directory, "out")), [])
    }),
  )

  it.effect("an image that is nearly empty goes with files that are not, and is unpacked again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const tree = join(directory, "tree")
      fs.mkdirSync(tree)
      fs.writeFileSync(join(tree, "image"), "data")
      fs.truncateSync(join(tree, "image"), 70 * mebibyte)
      fs.writeFileSync(join(tree, "program"), randomBytes(mebibyte))
      const archive = join(directory, "x.tar.zst")
      const { parts } = yield* Effect.promise(() => pack({ tree, component: "it", archive, level: 1 }))
      assert.isAbove(parts, 1)
      const names: Array<string> = []
      for (const part of IndexFrame.parts(archive, "x")) {
        const reader = new ArchiveReader(part, ({ name }) => void names.push(name))
        yield* Effect.promise(async () => {
          while ((await reader.step()) > 0);
          reader.close()
        })
      }
      assert.sameMembers(names, ["./opt/kata/image", "./opt/kata/program"])
    }),
  )

  it.effect.skipIf(!hasTar)("times that a tar cannot hold become the nearest ones that it can", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const at = (path: string) => join(directory, path)
      fs.mkdirSync(at("tree"))
      const times = {
        "a-old": [-86_400, 0],
        "b-usual": [1_700_000_000, 1_700_000_000],
        "c-late": [4e9, 0x7fffffff],
      }
      for (const [name, [seconds]] of Object.entries(times)) {
        fs.writeFileSync(at(`tree/${name}`), name)
        // A negative number would be taken for now.
        fs.utimesSync(at(`tree/${name}`), new Date(seconds! * 1000), new Date(seconds! * 1000))
      }
      const archive = at("it.tar.zst")
      yield* Effect.promise(() => pack({ tree: at("tree"), component: "it", archive, level: 1 }))
      execFileSync("tar", ["--zstd", "-C", directory, "-xf", archive], { stdio: "ignore" })
      for (const [name, [, seconds]] of Object.entries(times))
        assert.strictEqual(fs.statSync(at(`opt/kata/${name}`)).mtimeMs, seconds! * 1000, name)
    }),
  )

  it.effect("what cannot be unpacked is not packed, and nothing is left of the attempt", () =>
    Effect.gen(function* () {
      const { archive, tree } = yield* packTree
      fs.rmSync(archive)
      execFileSync("mkfifo", [join(tree, "share/fifo")])
      const refused = yield* Effect.promise(() =>
        pack({ tree, component: "it", archive, level: 1 }).catch((cause: unknown) => cause),
      )
      assert.instanceOf(refused, Refusal)
      assert.deepStrictEqual(fs.readdirSync(join(archive, "..")), [])
    }),
  )
})
