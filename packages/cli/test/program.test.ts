import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { run } from "../src/program.ts"
import * as Recorder from "./sample/Recorder.ts"

const start = async (argv: ReadonlyArray<string>, options: Recorder.Options = {}) => {
  const recorder = Recorder.make(options)
  const status = await run(argv, { surroundings: recorder.surroundings })
  return { status, stdout: recorder.stdout(), stderr: recorder.stderr() }
}

describe("the program", () => {
  it("answers help and version on standard output", async () => {
    assert.match((await start(["--help"])).stdout, /^kata-deploy installs Kata Containers/)
    assert.match((await start(["plan", "-h"])).stdout, /^kata-deploy plan: /)
    assert.match((await start(["plan", "--version"])).stdout, /^kata-deploy \d+\.\d+\.\d+/)
  })

  it("prints schemas and completions", async () => {
    assert.deepInclude(JSON.parse((await start(["schema", "plan"])).stdout), { title: "kata-deploy plan" })
    assert.match((await start(["completions", "fish"])).stdout, /^# fish completion/)
  })

  it("says on standard error what is wrong with the command line, and ends with 2", async () => {
    const { status, stderr, stdout } = await start(["instal", "--onze"])
    assert.strictEqual(status, 2)
    assert.strictEqual(stdout, "")
    assert.match(stderr, /^error: 2 problems with the command line or the settings; nothing was touched\.$/m)
    assert.match(stderr, /Did you mean install\?/)
    assert.match(stderr, /Did you mean --once\?/)
  })

  it("says it to the kubelet as well where a pod was to be started, however its command is written", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kata-deploy-program-"))
    const file = join(directory, "termination-log")
    writeFileSync(file, "")
    const env = { KATA_DEPLOY_TERMINATION_LOG: file }
    assert.strictEqual((await start(["--kube", "none", "install", "--onze"], { env })).status, 2)
    assert.match(readFileSync(file, "utf8"), /^--onze is no flag of this program\. Did you mean --once\?/)
    writeFileSync(file, "")
    assert.strictEqual((await start(["plan", "--onze"], { env })).status, 2)
    assert.strictEqual(readFileSync(file, "utf8"), "", "whoever looks from beside is no pod")
    rmSync(directory, { recursive: true })
  })

  it("says it as a document to those who asked for JSON", async () => {
    const { status, stderr, stdout } = await start(["instal", "--output=json"])
    assert.strictEqual(status, 2)
    assert.strictEqual(stderr, "")
    assert.deepInclude(JSON.parse(stdout), { schemaVersion: 1, kind: "problems", exitStatus: 2 })
  })

  it("paints nothing in a pipe, and problems on a terminal", async () => {
    assert.notInclude((await start(["instal"])).stderr, "\u001b")
    assert.include((await start(["instal"], { terminal: { columns: 80 } })).stderr, "\u001b[31merror:")
  })

  it("shows a whole life of an installation on a sample host", async () => {
    const { status, stderr, stdout } = await start(["try"], { env: { SHIMS_X86_64: "nonsense" } })
    assert.strictEqual(status, 0, `${stdout}\n${stderr}`)
    assert.strictEqual(stderr, "")
    assert.include(stdout, "Nothing was changed; the restart is still due.")
    assert.include(stdout, "After cleanup the host is what it was")
    assert.notInclude(stdout, "\u001b")
  })

  it("refuses a trial of a host that does not exist", async () => {
    const { status, stderr } = await start(["try", "--distribution=k3z"])
    assert.strictEqual(status, 2)
    assert.match(stderr, /k3z/)
  })
})
