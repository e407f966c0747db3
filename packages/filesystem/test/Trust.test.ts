import { assert, describe, it } from "@effect/vitest"
import { Checksums, HostPath } from "@kata-deploy/core"
import { SampleArchive } from "@kata-deploy/core/testing"
import { Effect } from "effect"
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import { Artifacts } from "../src/Artifacts.ts"
import { alone, type Crew, crews } from "../src/Crew.ts"
import { openBest } from "../src/DirectoryHandle.ts"
import { publicKeyFrom } from "../src/Trust.ts"
import { portOver, sampleHost } from "./SampleHost.ts"

const kernel = "tarballs/kernel.tar.zst"
const { privateKey, publicKey } = generateKeyPairSync("ed25519")

/** An artifact directory with checksums, and what identifying its archive comes to. */
const identified = (
  checksumsOf: (digest: string) => string | undefined,
  options: { readonly signature?: Buffer | "good"; readonly key?: KeyObject } = {},
) =>
  Effect.gen(function* () {
    const host = yield* sampleHost({ archives: { [kernel]: [SampleArchive.file("a", "text")] } })
    const digest = createHash("sha256").update(fs.readFileSync(join(host.artifacts, kernel)))
    const text = checksumsOf(digest.digest("hex"))
    if (text !== undefined) fs.writeFileSync(join(host.artifacts, Checksums.path), text)
    const { key, signature } = options
    const bytes = signature === "good" ? sign(null, Buffer.from(text ?? ""), privateKey) : signature
    if (bytes !== undefined) fs.writeFileSync(join(host.artifacts, Checksums.signaturePath), bytes)
    return yield* new Artifacts(host.artifacts, undefined, key).identify(kernel, undefined).pipe(
      Effect.match({
        onFailure: ({ reason }) => (reason._tag === "BadArchive" ? reason.detail : reason._tag),
        onSuccess: () => "used",
      }),
    )
  })

const good = (digest: string): string => `${digest}  ${kernel}\n`
const wrong = `${"0".repeat(64)}  ${kernel}\n`

describe("trust in archives", () => {
  it.effect("an archive is used where nothing vouches for it, and where its checksum fits", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* identified(() => undefined), "used")
      assert.strictEqual(yield* identified(good), "used")
      assert.strictEqual(yield* identified(good, { key: publicKey, signature: "good" }), "used")
    }),
  )

  it.effect("an archive with another checksum, or that is not listed, is refused", () =>
    Effect.gen(function* () {
      assert.include(yield* identified(() => wrong), "its checksum is")
      assert.include(yield* identified(() => `${"0".repeat(64)}  other\n`), "does not list it")
      assert.include(yield* identified(() => "nonsense"), "line 1 is no checksum")
    }),
  )

  it.effect("with a public key, checksums without a fitting signature are refused", () =>
    Effect.gen(function* () {
      const other = generateKeyPairSync("ed25519").publicKey
      const missing = "it is missing, and a public key is given"
      assert.strictEqual(yield* identified(() => undefined, { key: publicKey }), missing)
      assert.strictEqual(yield* identified(good, { key: publicKey }), missing)
      for (const options of [
        { key: other, signature: "good" as const },
        { key: publicKey, signature: Buffer.alloc(64) },
        { key: publicKey, signature: Buffer.alloc(0) },
      ]) {
        assert.include(yield* identified(good, options), "signature does not fit")
      }
    }),
  )

  it("a key is read as PEM and as its 32 bytes; a key of another kind is refused", () => {
    const pem = publicKey.export({ type: "spki", format: "pem" })
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32)
    assert.isTrue(publicKeyFrom(Buffer.from(pem)).equals(publicKey))
    assert.isTrue(publicKeyFrom(raw).equals(publicKey))
    const secret = privateKey.export({ type: "pkcs8", format: "pem" })
    assert.throws(() => publicKeyFrom(Buffer.from(secret)), "it is a private key")
    const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey
    assert.throws(() => publicKeyFrom(Buffer.from(rsa.export({ type: "spki", format: "pem" }))), "rsa")
  })
})

describe("how often an archive is read for its digest", () => {
  /** What threads were asked for by an install of one archive, from its first look to its last rename. */
  const asked = (isListed: (digest: string) => string | undefined) =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ archives: { [kernel]: [SampleArchive.file("a", "text")] } })
      const sha256 = createHash("sha256")
        .update(fs.readFileSync(join(host.artifacts, kernel)))
        .digest("hex")
      const text = isListed(sha256)
      if (text !== undefined) fs.writeFileSync(join(host.artifacts, Checksums.path), text)
      const tasks: Array<string> = []
      const one = alone()
      const counting: Crew = {
        ...one,
        run: (task, tell) => {
          const isDigested = task._tag === "Digest" || (task._tag === "Unpack" && task.job.isDigested)
          tasks.push(isDigested ? `${task._tag} with digest` : task._tag)
          return one.run(task, tell)
        },
      }
      const port = portOver(host, openBest, crews(counting, counting))
      const facts = yield* port.archive(kernel, undefined)
      assert.isDefined(facts)
      const into = HostPath.make("/opt/kata")
      const staging = HostPath.make("/opt/kata/.kata-deploy/staging")
      const components = [{ name: "kernel", archive: kernel, id: facts.id, replaces: [] }]
      const done = yield* port.extract(
        { _tag: "Extract", into, staging, components, except: [], owned: [] },
        () => Effect.void,
        () => Effect.void,
      )
      yield* done.commit
      assert.deepStrictEqual([...done.digests], [["kernel", sha256]])
      return tasks
    })

  it.effect("where checksums have to agree: once, before a byte is unpacked", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* asked(good), ["Digest with digest", "Unpack"])
    }),
  )

  it.effect("where nothing vouches for it: never, its digest comes with its content", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* asked(() => undefined), ["Unpack with digest"])
    }),
  )
})
