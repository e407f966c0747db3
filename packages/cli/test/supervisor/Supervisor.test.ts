import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { HealthPlace } from "../../src/supervisor/CommandLine.ts"
import type { Errand, StopSignal } from "../../src/supervisor/Life.ts"
import { supervise } from "../../src/supervisor/Supervisor.ts"

/**
 * A program in place of ours: it tells who it is on the pipe, waits for a word in a file where it is to be stopped, and
 * ends with the status that its job is given.
 */
const program = `
import { appendFileSync, writeSync } from "node:fs"
const job = process.argv[2]
const plan = JSON.parse(process.env.PLAN)[job]
const tell = (message) => writeSync(3, JSON.stringify(message) + "\\n")
appendFileSync(process.env.TRACE, process.argv.slice(2).join(" ") + " runtime=" + (process.env.KATA_DEPLOY_DETECTED_RUNTIME ?? "") + "\\n")
process.on("SIGTERM", () => {
  appendFileSync(process.env.TRACE, job + " stops\\n")
  tell({ _tag: "Problems", messages: [job + " was stopped."] })
  process.exit(1)
})
if (job === "status") tell({ _tag: "Drift", paths: 2 })
tell({ _tag: "Planned", runtime: "k3s", restartsDue: 0 })
if (plan === "wait") setInterval(() => {}, 1000)
else if (plan === "die") process.kill(process.pid, "SIGKILL")
else {
  if (plan > 0) tell({ _tag: "Problems", messages: [job + " found no archive."] })
  process.exitCode = plan
}
`

let directory: string
const at = (name: string) => join(directory, name)
const trace = () => readFileSync(at("trace"), "utf8").trimEnd().split("\n")

interface Plan {
  readonly install?: number | "wait" | "die"
  readonly cleanup?: number | "wait" | "die"
  readonly status?: number
}

/** A supervisor of the sample program, with its deadlines in our hands. */
const start = (
  plan: Plan,
  errand: Errand = "install-and-stay",
  place: HealthPlace = { _tag: "Port", port: 0 },
) => {
  let signal: (name: StopSignal) => void = () => {}
  const deadlines: Array<readonly [seconds: number, then: () => void]> = []
  const log: Array<string> = []
  const said = (words: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = setInterval(() => {
        if (log.some((line) => words.test(line))) {
          clearInterval(look)
          resolve()
        }
      }, 5)
    })
  const port = Promise.withResolvers<number>()
  const status = supervise({
    errand,
    argv: [errand === "wait" ? "internal-post-install-wait" : "install", "--debug"],
    env: {
      PATH: process.env["PATH"],
      PLAN: JSON.stringify(plan),
      TRACE: at("trace"),
      KATA_DEPLOY_DRIFT_INTERVAL: "600",
      KATA_DEPLOY_TERMINATION_LOG: at("termination"),
    },
    program: { node: process.execPath, nodeFlags: [], file: at("program.mjs") },
    version: "4.1.0",
    place,
    log: (_, text) => log.push(text),
    now: () => 1_000,
    after: (seconds, then) => deadlines.push([seconds, then]),
    onSignal: (take) => {
      signal = take
    },
    onListening: (number) => port.resolve(number ?? 0),
  })
  const traced = (words: string): Promise<void> =>
    new Promise((resolve) => {
      const look = setInterval(() => {
        if (readFileSync(at("trace"), "utf8").includes(words)) {
          clearInterval(look)
          resolve()
        }
      }, 5)
    })
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${await port.promise}${path}`)
    return { status: response.status, body: await response.text() }
  }
  return {
    status,
    said,
    traced,
    get,
    log,
    signal: (name: StopSignal) => signal(name),
    pass: (seconds: number) => deadlines.find(([after]) => after === seconds)?.[1](),
  }
}

describe("the supervisor", () => {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "kata-deploy-supervisor-"))
    writeFileSync(at("program.mjs"), program)
    writeFileSync(at("termination"), "")
    writeFileSync(at("trace"), "")
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it("is ready when the installer is done, and cleans up with the runtime that it found", async () => {
    const one = start({ install: 0, cleanup: 0 })
    await one.said(/^Installed/)
    assert.deepStrictEqual(await one.get("/readyz"), { status: 200, body: "ok ready\n" })
    assert.include((await one.get("/metrics")).body, 'runtime="k3s"')
    one.signal("SIGTERM")
    assert.strictEqual(await one.status, 0)
    assert.deepStrictEqual(trace(), ["install --once --debug runtime=", "cleanup --debug runtime=k3s"])
    assert.strictEqual(readFileSync(at("termination"), "utf8"), "")
  })

  it("answers while the installer works, stops it when asked to, and cleans up", async () => {
    const one = start({ install: "wait", cleanup: 0 })
    await one.traced("install")
    assert.strictEqual((await one.get("/readyz")).status, 503)
    assert.strictEqual((await one.get("/healthz")).body, "ok installing\n")
    one.signal("SIGTERM")
    assert.strictEqual(await one.status, 0)
    assert.deepInclude(trace(), "install stops")
    assert.match(trace().at(-1) ?? "", /^cleanup /)
  })

  it("ends as the installer ended, and tells the kubelet why", async () => {
    assert.strictEqual(await start({ install: 3 }).status, 3)
    assert.strictEqual(readFileSync(at("termination"), "utf8"), "install found no archive.")
  })

  it("tells that the installer was killed", async () => {
    assert.strictEqual(await start({ install: "die" }).status, 137)
    assert.match(readFileSync(at("termination"), "utf8"), /^The installer was killed/)
  })

  it("ends with 0 after a cleanup that failed, and tells what of it is left", async () => {
    const one = start({ cleanup: 1 }, "wait")
    assert.strictEqual((await one.get("/readyz")).status, 200)
    one.signal("SIGTERM")
    assert.strictEqual(await one.status, 0)
    assert.match(
      readFileSync(at("termination"), "utf8"),
      /status 1\. cleanup found no archive\..*kata-deploy cleanup/,
    )
  })

  it("stops a cleanup that does not fit, and says so", async () => {
    const one = start({ install: 0, cleanup: "wait" })
    await one.said(/^Installed/)
    one.signal("SIGTERM")
    await one.traced("cleanup")
    assert.deepStrictEqual(await one.get("/readyz"), { status: 503, body: "not_ready stopping\n" })
    assert.strictEqual((await one.get("/healthz")).status, 200)
    one.pass(510)
    assert.strictEqual(await one.status, 0)
    assert.match(
      readFileSync(at("termination"), "utf8"),
      /did not fit into 540 seconds\..*cleanup was stopped\./,
    )
  })

  it("looks for drift while it waits, and not any more when it is to end", async () => {
    const one = start({ install: 0, status: 4, cleanup: 0 })
    await one.said(/^Installed/)
    assert.notInclude((await one.get("/metrics")).body, "kata_deploy_drift_paths")
    one.pass(600)
    while (!(await one.get("/metrics")).body.includes("kata_deploy_drift_paths 2\n"))
      await one.traced("status")
    one.signal("SIGTERM")
    one.pass(600)
    assert.strictEqual(await one.status, 0)
    assert.deepStrictEqual(
      trace().map((line) => line.split(" ")[0]),
      ["install", "status", "cleanup"],
    )
  })

  it("begins nothing where another program has the port", async () => {
    const other = createServer().listen(0)
    await once(other, "listening")
    const address = other.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const one = start({ install: 0 }, "install-and-stay", { _tag: "Port", port })
    assert.strictEqual(await one.status, 3)
    assert.match(
      readFileSync(at("termination"), "utf8"),
      new RegExp(`port ${port} \\(HEALTH_PORT\\): another program`),
    )
    assert.deepStrictEqual(trace(), [""])
    other.close()
  })

  it("leaves it to the installer to refuse a wrong port", async () => {
    const one = start({ install: 2 }, "install-and-stay", { _tag: "Wrong", text: "x" })
    assert.strictEqual(await one.status, 2)
  })

  it("refuses to wait with a wrong descriptor, and waits without a server where there is none", async () => {
    assert.strictEqual(await start({}, "wait", { _tag: "Wrong", text: "x" }).status, 2)
    const one = start({ cleanup: 0 }, "wait", { _tag: "Nowhere" })
    await one.said(/no health server/)
    one.signal("SIGTERM")
    assert.strictEqual(await one.status, 0)
  })

  it("says which program cannot be started", async () => {
    rmSync(at("program.mjs"))
    assert.strictEqual(await start({ install: 0 }).status, 1)
  })
})

describe("the program itself", () => {
  const main = join(import.meta.dirname, "../../src/main.ts")

  it("waits on a socket that was handed over, and is ready at once", async () => {
    const owner = createServer().listen(0, "127.0.0.1")
    await once(owner, "listening")
    const { fd } = (owner as unknown as { readonly _handle: { readonly fd: number } })._handle
    const address = owner.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const child = spawn(
      process.execPath,
      ["--conditions=source", main, "internal-post-install-wait", "--kube=none", "--systemd=none"],
      {
        stdio: ["ignore", "ignore", "pipe", fd],
        env: { ...process.env, KATA_DEPLOY_HEALTH_FD: "3" },
      },
    )
    assert(child.stderr)
    await once(child.stderr, "data")
    owner.close()
    assert.strictEqual(await (await fetch(`http://127.0.0.1:${port}/readyz`)).text(), "ok ready\n")
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  })
})
