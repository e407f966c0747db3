import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto"
import fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Schema } from "effect"
import { afterEach, assert, beforeEach, describe, it, vi } from "vitest"
import { run } from "../../src/program.ts"
import * as DocumentSchemas from "../../src/render/DocumentSchemas.ts"
import * as Recorder from "../sample/Recorder.ts"

let directory = ""

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "kata-deploy-test-"))
  fs.mkdirSync(join(directory, "tree/bin"), { recursive: true })
  fs.writeFileSync(join(directory, "tree/bin/kernel"), "program")
})

afterEach(() => {
  fs.rmSync(directory, { recursive: true })
})

const start = async (...argv: ReadonlyArray<string>) => {
  const recorder = Recorder.make({ workingDirectory: directory })
  const status = await run(["artifacts", ...argv], { surroundings: recorder.surroundings })
  return { status, stdout: recorder.stdout(), stderr: recorder.stderr() }
}

const pack = (...more: ReadonlyArray<string>) =>
  start("pack", "tree", "--component", "kernel", "--output", "image/tarballs", ...more)

const archive = (): string => join(directory, "image/tarballs/kata-static-kernel.tar.zst")
const digest = (): string => createHash("sha256").update(fs.readFileSync(archive())).digest("hex")
const checksums = (text: string): void => fs.writeFileSync(join(directory, "image/checksums.sha256"), text)

describe("kata-deploy artifacts", () => {
  it("pack makes an archive in the directory of --output, and --output json tells of it", async () => {
    const { status, stdout } = await pack("--output", "json")
    assert.strictEqual(status, 0)
    assert.deepInclude(JSON.parse(stdout), {
      kind: "packed",
      archive: archive(),
      entries: 2,
      sha256: digest(),
    })
    assert.include((await pack()).stdout, digest())
  })

  it("pack says at once what is missing", async () => {
    const { status, stderr } = await start("pack", "--component", "No Name")
    assert.strictEqual(status, 2)
    for (const part of ["the directory to pack", "needs --output", "cannot be a component's name"])
      assert.include(stderr, part)
  })

  it("pack tells of each mistake once, and takes no blank for the directory that it runs in", async () => {
    const { status, stderr } = await start("pack", "", "--output=", "--component", "--level=fast")
    assert.strictEqual(status, 2)
    for (const part of ["directory to pack", '--output-dir is ""', "--component has no value", '"fast"'])
      assert.include(stderr, part)
    assert.match(stderr, /^error: 4 problems/)
    for (const flag of ["--artifacts=", "--public-key= "])
      assert.match((await start("verify", flag)).stderr, /^error: 1 problem[^]*a value that is not\s+blank/)
  })

  it("pack that is stopped makes no archive", async () => {
    fs.writeFileSync(join(directory, "tree/bin/large"), randomBytes(4_000_000))
    const recorder = Recorder.make({ workingDirectory: directory })
    const status = await run(["artifacts", "pack", "tree", "--component=kernel", "--output=out"], {
      surroundings: {
        ...recorder.surroundings,
        onInterrupt: (listener) => {
          listener("SIGINT")
          return () => undefined
        },
      },
    })
    assert.strictEqual(status, 1)
    assert.match(recorder.stderr(), /stopped by SIGINT\. No archive was made\./)
    await vi.waitUntil(() => fs.readdirSync(join(directory, "out")).length === 0)
  })

  it("pack that may not write is no matter of a node", async () => {
    const denied = Object.assign(new Error("no"), { code: "EACCES" })
    const mkdir = vi.spyOn(fs, "mkdirSync").mockImplementation(() => {
      throw denied
    })
    const { status, stderr } = await pack()
    mkdir.mockRestore()
    assert.strictEqual(status, 1)
    assert.match(stderr, /^error: The action was not completed\.$/m)
    assert.match(stderr, /Could not write\s+\S*\/kata-static-kernel\.tar\.zst:\s+no\s+permission/)
  })

  it("list shows archives, and what is in one", async () => {
    await pack()
    const all = await start("list", "--artifacts", "image", "--output", "json")
    const [first] = (JSON.parse(all.stdout) as { readonly archives: ReadonlyArray<object> }).archives
    assert.deepInclude(first, { component: "kernel", parts: 1, unpackedBytes: 2560 })
    assert.match((await start("list", "--artifacts", "image")).stdout, /^kernel +\d+ B +2\.6 kB +1$/m)
    const inside = await start("list", "kernel", "--artifacts", "image")
    assert.match(inside.stdout, /^file +0755 +7 +\.\/opt\/kata\/bin\/kernel$/m)
  })

  it("prints documents that their schemas describe, and nothing else", async () => {
    const strictly = { onExcessProperty: "error" } as const
    const describes = (schema: Schema.Decoder<unknown>, { stdout }: { readonly stdout: string }) => {
      const found = Schema.decodeUnknownResult(schema, strictly)(JSON.parse(stdout))
      assert.strictEqual(found._tag, "Success", stdout)
    }
    const json = ["--artifacts", "image", "--output", "json"]
    describes(DocumentSchemas.PackedSchema, await pack("--output", "json"))
    describes(DocumentSchemas.ArtifactsSchema, await start("list", ...json))
    describes(DocumentSchemas.ArchiveEntriesSchema, await start("list", "kernel", ...json))
    describes(DocumentSchemas.VerificationSchema, await start("verify", ...json))
    fs.truncateSync(archive(), 20)
    describes(DocumentSchemas.VerificationSchema, await start("verify", ...json))
  })

  it("a directory without archives is a failure with a remedy, and no defect", async () => {
    const { status, stderr } = await start("list", "--artifacts", "nowhere")
    assert.strictEqual(status, 1)
    assert.match(stderr, /list the archives in .*nowhere\/tarballs:\s+there is no such\s+file or directory/)
    assert.notInclude(stderr, "dmesg")
  })

  it("verify ends with 0 where every archive is sound, and with 1 where one is not", async () => {
    await pack()
    assert.include((await start("verify", "--artifacts", "image")).stdout, "only read through")
    checksums(`${digest()}  tarballs/kata-static-kernel.tar.zst\n`)
    const good = await start("verify", "--artifacts", "image", "--output", "json")
    assert.strictEqual(good.status, 0)
    assert.deepInclude(JSON.parse(good.stdout), { kind: "verification", trust: "listed" })
    fs.truncateSync(archive(), fs.statSync(archive()).size - 1)
    const bad = await start("verify", "--artifacts", "image")
    assert.strictEqual(bad.status, 1)
    assert.match(bad.stdout, /^BAD .*its checksum is/m)
    fs.rmSync(join(directory, "image/checksums.sha256"))
    assert.strictEqual((await start("verify", "--artifacts", "image")).status, 1)
  })

  it("verify is no success where there is nothing to verify", async () => {
    fs.mkdirSync(join(directory, "image/tarballs"), { recursive: true })
    const { status, stdout } = await start("verify", "--artifacts", "image")
    assert.strictEqual(status, 1)
    assert.include(stdout, "nothing is known to be sound")
  })

  it("list ends with 1 where an archive cannot be looked into, and shows the others", async () => {
    await pack()
    fs.mkdirSync(join(directory, "image/tarballs/kata-static-\u001b[2J.tar.zst"))
    const { status, stdout } = await start("list", "--artifacts", "image")
    assert.strictEqual(status, 1)
    assert.match(stdout, /^kernel /m)
    assert.match(stdout, /^BAD {2}tarballs\/kata-static-\\x1b\[2J\.tar\.zst: .*no regular file$/m)
    assert.notInclude(stdout, "\u001b")
  })

  it("verify with a public key asks for a signature", async () => {
    await pack()
    const { privateKey, publicKey } = generateKeyPairSync("ed25519")
    fs.writeFileSync(join(directory, "key.pem"), publicKey.export({ type: "spki", format: "pem" }))
    const text = `${digest()}  tarballs/kata-static-kernel.tar.zst\n`
    checksums(text)
    const verify = () => start("verify", "--artifacts", "image", "--public-key", "key.pem")
    const unsigned = await verify()
    assert.strictEqual(unsigned.status, 1)
    assert.include(unsigned.stderr, "checksums.sha256.sig is refused")
    assert.notInclude(unsigned.stdout, "fits")
    fs.writeFileSync(join(directory, "image/checksums.sha256.sig"), sign(null, Buffer.from(text), privateKey))
    const { status, stdout } = await verify()
    assert.strictEqual(status, 0)
    assert.include(stdout, "whose signature fits")
  })

  it("flags and words that a job does not take are refused", async () => {
    assert.include((await start("list", "--level", "3")).stderr, "no effect with artifacts list")
    assert.include((await start("verify", "kernel")).stderr, "takes no such word")
    assert.include((await start("verify", "--public-key", "none.pem")).stderr, "cannot be used")
    assert.strictEqual((await start("verfy")).status, 2)
  })
})
