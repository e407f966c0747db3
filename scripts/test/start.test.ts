import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { root } from "./Miniature.ts"

/** Makes the Node that runs a script say that it is another version. */
const pretend = (version: string) => [
  "--import",
  `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "${version}" })`,
]

const node = (args: ReadonlyArray<string>, cwd = root) =>
  spawnSync(process.execPath, args, { cwd, encoding: "utf8" })

describe("check-node", () => {
  const script = join(root, "scripts/check-node.mjs")

  it.each(["12.22.12", "20.20.2", "22.18.0"])("says in one line what to do on Node %s", (version) => {
    const { status, stderr } = node([...pretend(version), script])
    assert.strictEqual(status, 1)
    assert.include(stderr, `Node ${version} is too old`)
    assert.include(stderr, "npm ci")
    assert.strictEqual(stderr.trim().split("\n").length, 1)
  })

  it.each(["22.19.0", "24.0.0", "26.10.0"])("is silent on Node %s", (version) => {
    const { status, stderr } = node([...pretend(version), script])
    assert.strictEqual(status, 0)
    assert.strictEqual(stderr, "")
  })
})

describe("the end of npm ci", () => {
  /** A checkout with the scripts, and Node as the package of this platform brings it, but not linked. */
  const checkout = (withNode: boolean) => {
    const directory = mkdtempSync(join(tmpdir(), "kata-deploy-prepare-"))
    cpSync(join(root, "scripts"), join(directory, "scripts"), { recursive: true })
    mkdirSync(join(directory, "node_modules/.bin"), { recursive: true })
    const bin = join(directory, `node_modules/node-${process.platform}-${process.arch}/bin`)
    if (withNode) {
      mkdirSync(bin, { recursive: true })
      symlinkSync(process.execPath, join(bin, "node"))
    }
    const old = join(directory, "old.mjs")
    writeFileSync(old, 'Object.defineProperty(process.versions, "node", { value: "20.20.2" })')
    const ran = spawnSync(process.execPath, ["scripts/prepare.mjs"], {
      cwd: directory,
      encoding: "utf8",
      env: withNode ? process.env : { ...process.env, NODE_OPTIONS: `--import=${old}` },
    })
    const linked = existsSync(join(directory, "node_modules/.bin/node"))
    rmSync(directory, { recursive: true, force: true })
    return { ...ran, linked }
  }
  const lines = (text: string) => text.trim().split("\n").length

  it("links Node where npm scripts and npx find it, if npm left it out", () => {
    assert.isTrue(checkout(true).linked)
  })

  it("says in one line when there is no bundler, and does not spoil the installation", () => {
    const { status, stderr, stdout } = checkout(true)
    assert.strictEqual(status, 0)
    assert.include(stderr, "rolldown is not installed")
    assert.strictEqual(lines(`${stdout}${stderr}`), 1)
  })

  it("says in one line when no Node is new enough, and does not spoil the installation", () => {
    const { linked, status, stderr, stdout } = checkout(false)
    assert.isFalse(linked)
    assert.strictEqual(status, 0)
    assert.include(stderr, "Node 20.20.2 is too old")
    assert.strictEqual(lines(`${stdout}${stderr}`), 1)
  })
})

describe("the bundle", () => {
  const directory = mkdtempSync(join(tmpdir(), "kata-deploy-bundle-"))
  const build = (name: string) => node(["scripts/build.mjs", "--out", join(directory, name)])
  const digest = (name: string) =>
    globSync("**/*.{mjs,js}", { cwd: join(directory, name) })
      .sort()
      .map((path) => [
        path,
        createHash("sha256")
          .update(readFileSync(join(directory, name, path)))
          .digest("hex"),
      ])

  beforeAll(() => {
    assert.strictEqual(build("a").status, 0)
  }, 60_000)
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it("answers --version and --help in an empty folder, without node_modules", () => {
    const alone = mkdtempSync(join(tmpdir(), "kata-deploy-alone-"))
    cpSync(join(directory, "a"), join(alone, "dist"), { recursive: true })
    const version = node(["dist/kata-deploy.mjs", "--version"], alone)
    const help = node(["dist/kata-deploy.mjs", "--help"], alone)
    rmSync(alone, { recursive: true, force: true })
    assert.match(version.stdout, /^kata-deploy \d+\.\d+\.\d+\S*\n$/)
    assert.strictEqual(help.status, 0, help.stderr)
  })

  it("keeps what --version and a waiting pod need in an entry that imports nothing", () => {
    const entry = readFileSync(join(directory, "a/kata-deploy.mjs"), "utf8")
    assert.isBelow(entry.length, 60_000)
    assert.deepStrictEqual(entry.match(/^import .*/gm), null)
    assert.deepStrictEqual(
      [...entry.matchAll(/\bimport\("(.*?)"\)/g)].map(([, from]) => from),
      ["./program.mjs"],
    )
  })

  it("is the same, byte for byte, when it is built again", () => {
    assert.strictEqual(build("b").status, 0)
    assert.deepStrictEqual(digest("b"), digest("a"))
  })
})
