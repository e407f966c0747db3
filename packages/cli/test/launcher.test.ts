import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { afterEach, assert, beforeEach, describe, it } from "vitest"

/** A program that tells how it was started, and one that waits to be told to stop. */
const tell = (name: string) =>
  `console.log(${JSON.stringify(name)}, process.pid, ...process.argv.slice(2)); process.exitCode = 3\n`
const wait = `
  process.on("SIGTERM", () => { console.log("asked to stop"); process.exit(7) })
  setInterval(() => {}, 1000)
  console.log("ready")
`
const old = [
  "--import",
  'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.20.2" })',
]

let checkout: string
const at = (path: string) => join(checkout, path)
const plant = (path: string, text: string) => {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), text)
}
const bundle = "packages/cli/dist/kata-deploy.mjs"
const main = "packages/cli/src/main.ts"
const installNode = () => {
  mkdirSync(at("node_modules/.bin"), { recursive: true })
  symlinkSync(process.execPath, at("node_modules/.bin/node"))
}
const launcher = () => at("packages/cli/bin/kata-deploy")
const launch = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [...args.filter((arg) => old.includes(arg)), launcher(), "plan", "--x"], {
    encoding: "utf8",
  })

const firstOutput = async (child: ChildProcess): Promise<string> => {
  assert(child.stdout)
  const [chunk] = await once(child.stdout, "data")
  return String(chunk)
}

describe("the launcher", () => {
  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), "kata-deploy-launcher-"))
    cpSync(join(import.meta.dirname, "../bin"), at("packages/cli/bin"), { recursive: true })
  })
  afterEach(() => rmSync(checkout, { recursive: true, force: true }))

  it("runs the bundle in its own process when this Node is new enough", () => {
    plant(bundle, tell("bundle"))
    const { pid, status, stdout } = launch()
    assert.strictEqual(stdout, `bundle ${pid} plan --x\n`)
    assert.strictEqual(status, 3)
  })

  it("runs the bundle with the installed Node when this one is too old", () => {
    plant(bundle, tell("bundle"))
    installNode()
    const { pid, status, stdout } = launch(...old)
    assert.match(stdout, /^bundle \d+ plan --x\n$/)
    assert.notInclude(stdout, ` ${pid} `)
    assert.strictEqual(status, 3)
  })

  it("runs through a symlink, as npx starts it", () => {
    plant(bundle, tell("bundle"))
    mkdirSync(at("node_modules/.bin"), { recursive: true })
    symlinkSync("../../packages/cli/bin/kata-deploy", at("node_modules/.bin/kata-deploy"))
    const { stdout } = spawnSync(process.execPath, [at("node_modules/.bin/kata-deploy"), "status"], {
      encoding: "utf8",
    })
    assert.match(stdout, /^bundle \d+ status\n$/)
  })

  it("runs the sources when there is no bundle", () => {
    plant(main, tell("sources"))
    installNode()
    for (const { status, stdout } of [launch(), launch(...old)]) {
      assert.match(stdout, /^sources \d+ plan --x\n$/)
      assert.strictEqual(status, 3)
    }
  })

  it("runs the sources of any package that changed after the bundle was built", () => {
    plant(main, tell("sources"))
    plant("packages/core/src/model/A.ts", "export {}\n")
    plant(bundle, tell("bundle"))
    installNode()
    // Clearly behind the sources: times of files are finer than a date is.
    const built = new Date(Date.now() + 1_000)
    utimesSync(at(bundle), built, built)
    assert.match(launch().stdout, /^bundle /)
    const later = new Date(built.getTime() + 2_000)
    utimesSync(at("packages/core/src/model/A.ts"), later, later)
    assert.match(launch().stdout, /^sources /)
  })

  it("passes a request to stop on, and the exit status back", async () => {
    plant(bundle, wait)
    installNode()
    const child = spawn(process.execPath, [...old, launcher()], { stdio: ["ignore", "pipe", "inherit"] })
    assert.include(await firstOutput(child), "ready")
    const answer = firstOutput(child)
    const ended = once(child, "exit")
    child.kill("SIGTERM")
    assert.include(await answer, "asked to stop")
    assert.deepStrictEqual(await ended, [7, null])
  })

  it("ends by the signal that ended the program", async () => {
    plant(bundle, 'console.log("ready"); process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)\n')
    installNode()
    const { signal } = launch(...old)
    assert.strictEqual(signal, "SIGKILL")
  })

  const lines = (text: string) => text.trim().split("\n").length

  it("says in one line what to do when no Node is new enough", () => {
    plant(bundle, tell("bundle"))
    const { status, stderr } = launch(...old)
    assert.strictEqual(status, 1)
    assert.include(stderr, "Node 20.20.2 is too old")
    assert.include(stderr, "npm ci")
    assert.strictEqual(lines(stderr), 1)
  })

  it("says in one line what to do when nothing is installed yet", () => {
    plant(main, tell("sources"))
    const { status, stderr } = launch()
    assert.strictEqual(status, 1)
    assert.include(stderr, "npm ci")
    assert.strictEqual(lines(stderr), 1)
  })

  it("says in one line what to do when there is nothing to run", () => {
    assert.isFalse(existsSync(at(bundle)))
    const { status, stderr } = launch()
    assert.strictEqual(status, 1)
    assert.include(stderr, "npm run build")
    assert.strictEqual(lines(stderr), 1)
  })
})
