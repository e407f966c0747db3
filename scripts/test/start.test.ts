import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
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

  it("lets the installation go on when it is asked to be lenient", () => {
    const prepare = join(root, "scripts/prepare.mjs")
    const { status, stderr, stdout } = node([...pretend("20.20.2"), prepare, "--lenient"])
    assert.strictEqual(status, 0)
    assert.include(stderr, "npm ci")
    assert.strictEqual(`${stdout}${stderr}`.trim().split("\n").length, 1)
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
  })
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

  it("keeps what --version needs in an entry that loads nothing else", () => {
    const entry = readFileSync(join(directory, "a/kata-deploy.mjs"), "utf8")
    assert.isBelow(entry.length, 4_000)
    assert.deepStrictEqual(
      [...entry.matchAll(/^import .* from "(.*)"/gm)].map(([, from]) => from),
      ["node:process"],
    )
  })

  it("is the same, byte for byte, when it is built again", () => {
    assert.strictEqual(build("b").status, 0)
    assert.deepStrictEqual(digest("b"), digest("a"))
  })
})
