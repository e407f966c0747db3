import { HostError, HostPath, Problem, Progress, Report, type Run } from "@kata-deploy/core"
import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import { run } from "../../src/program.ts"
import type { Engine } from "../../src/run/Engine.ts"
import {
  doneReport,
  emptyPlan,
  failedReport,
  incompleteReport,
  installPlan,
  modeApplied,
  modeShown,
  snapshotsDone,
  snapshotsPlan,
  statusWithDrift,
} from "../sample/Documents.ts"
import * as Recorder from "../sample/Recorder.ts"

const engine: Engine = {
  plan: () => Effect.succeed(installPlan),
  run: () => Effect.succeed(doneReport),
  status: () => Effect.succeed(statusWithDrift),
  snapshots: (_, show) => Effect.as(show(snapshotsPlan), snapshotsPlan),
  setMode: ({ apply }) => Effect.succeed(apply === "apply" ? modeApplied : modeShown),
}
const offline = ["--host-root=/", "--kube=none", "--systemd=none"]

const start = async (
  argv: ReadonlyArray<string>,
  parts: Partial<Engine> = {},
  options: Recorder.Options = {},
) => {
  const recorder = Recorder.make(options)
  const status = await run([...offline, ...argv], {
    surroundings: recorder.surroundings,
    engineFor: () => Promise.resolve({ ...engine, ...parts }),
  })
  return { status, stdout: recorder.stdout(), stderr: recorder.stderr() }
}
const failing = (report: Report.Report) => ({
  run: () =>
    Effect.fail(
      new Report.ApplyError({
        report,
        cause: new HostError.HostError({
          operation: "write",
          path: HostPath.make("/etc/containerd/config.toml"),
          reason: { _tag: "NoSpace" },
        }),
      }),
    ),
})

describe("a plan", () => {
  it("is text on standard output, and 0 although there are changes", async () => {
    const { status, stderr, stdout } = await start(["plan"])
    assert.strictEqual(status, 0)
    assert.match(stdout, /^Plan of install: /)
    assert.strictEqual(stderr, "")
  })

  it("with --detailed-exitcode tells changes from none by its status", async () => {
    assert.strictEqual((await start(["plan", "--detailed-exitcode"])).status, 10)
    const { status } = await start(["plan", "--detailed-exitcode"], { plan: () => Effect.succeed(emptyPlan) })
    assert.strictEqual(status, 0)
  })

  it("is one JSON document with --output json", async () => {
    const { stdout } = await start(["plan", "--output=json"])
    assert.deepInclude(JSON.parse(stdout), { schemaVersion: 1, kind: "plan", action: "install" })
  })

  it("is made for exactly what was asked", async () => {
    const asked: Array<Run.Request> = []
    const plan: Engine["plan"] = (request) => {
      asked.push(request)
      return Effect.succeed(emptyPlan)
    }
    await start(["plan", "cleanup", "--cri-runtime=k3s", "--state-dir=/s", "--shims=clh"], { plan })
    assert.strictEqual(asked[0]?.action, "cleanup")
    assert.strictEqual(asked[0]?.criRuntime, "k3s")
    assert.strictEqual(asked[0]?.stateDir, "/s")
    assert.deepStrictEqual(asked[0]?.settings.shims, ["clh"])
  })
})

describe("a run", () => {
  it("reports on standard output", async () => {
    const { status, stdout } = await start(["install", "--once"])
    assert.strictEqual(status, 0)
    assert.match(stdout, /Done: 2 steps changed the node\.\n$/)
    assert.deepInclude(JSON.parse((await start(["cleanup", "--output=json"])).stdout), { kind: "report" })
  })

  it("begins its log with what was asked for, secrets masked", async () => {
    const env = { AGENT_HTTPS_PROXY: "http://me:secret@proxy:3128" }
    const { stderr } = await start(["install", "--once"], {}, { env })
    const record = JSON.parse(stderr) as { readonly message: string; readonly settings: unknown }
    assert.strictEqual(record.message, "install of the instance in /opt/kata")
    assert.deepStrictEqual(record.settings, { AGENT_HTTPS_PROXY: "http://***@proxy:3128" })
    assert.strictEqual((await start(["install", "--once"], {}, { terminal: { columns: 80 } })).stderr, "")
  })

  it("that failed and was undone is 1, with the report and what to do", async () => {
    const { status, stderr, stdout } = await start(["install", "--once"], failing(failedReport))
    assert.strictEqual(status, 1)
    assert.match(stdout, /^ {4}failed {6}change \/etc\/containerd\/config\.toml$/m)
    assert.match(stderr, /^error: The action was not completed\.$/m)
    assert.match(stderr, /Free space on that filesystem/)
  })

  it("that could not be undone is 6", async () => {
    assert.strictEqual((await start(["install", "--once"], failing(incompleteReport))).status, 6)
    const collected = { run: () => Effect.succeed(incompleteReport) }
    assert.strictEqual((await start(["cleanup"], collected)).status, 6)
  })

  it("that failed prints one document with problems and report", async () => {
    const { stderr, stdout } = await start(["install", "--once", "--output=json"], failing(failedReport))
    const document = JSON.parse(stdout) as { readonly report: Report.Report }
    assert.deepInclude(JSON.parse(stdout), { kind: "problems", exitStatus: 1 })
    assert.strictEqual(document.report.outcome, "failed")
    assert.notInclude(stderr, "error:")
  })

  it("that finds its tree in use is 5, also where demoting the node failed, and the report says so", async () => {
    const problem = { code: "E_IN_USE", message: "It is in use.", remedy: "Drain the node." }
    const [stage] = failedReport.stages
    const report = {
      ...failedReport,
      action: "cleanup" as const,
      stages: [{ ...stage!, stage: "demote" as const }],
    }
    const refused = (rest: { readonly report?: Report.Report }): Partial<Engine> => ({
      run: () => Effect.fail(new Report.InUseError({ problems: [problem], ...rest })),
    })
    const plain = await start(["cleanup"], refused({}))
    assert.deepStrictEqual([plain.status, plain.stdout], [5, ""])
    const { status, stdout } = await start(["cleanup"], refused({ report }))
    assert.strictEqual(status, 5)
    assert.match(stdout, /Nothing was removed; run it again/)
    const json = JSON.parse((await start(["cleanup", "--output=json"], refused({ report }))).stdout) as object
    assert.deepInclude(json, { kind: "problems", exitStatus: 5 })
    assert.property(json, "report")
  })

  it("that does not meet a prerequisite is 3", async () => {
    const problem = { code: "E_ARCHIVE", message: "An archive is missing.", remedy: "Fetch it." }
    const parts = { run: () => Effect.fail(new Problem.PrerequisiteError({ problems: [problem, problem] })) }
    const { status, stderr } = await start(["install", "--once"], parts)
    assert.strictEqual(status, 3)
    assert.match(stderr, /2 problems; it is as it was/)
  })
})

describe("a status", () => {
  it("with drift is 4, without is 0", async () => {
    assert.strictEqual((await start(["status"])).status, 4)
    const parts = { status: () => Effect.succeed({ instances: [] }) }
    assert.strictEqual((await start(["status"], parts)).status, 0)
  })

  it("reads every file only where it is asked to", async () => {
    const depths: Array<string> = []
    const status: Engine["status"] = (_, depth) => {
      depths.push(depth)
      return Effect.succeed({ instances: [] })
    }
    await start(["status"], { status })
    await start(["status", "--verify"], { status })
    assert.deepStrictEqual(depths, ["metadata", "contents"])
  })
})

describe("a mistake of ours", () => {
  const defect = { plan: () => Effect.die(new Error("boom at https://me:secret@host")) }

  it("is one line without stack trace", async () => {
    const { status, stderr, stdout } = await start(["plan"], defect)
    assert.strictEqual(status, 1)
    assert.strictEqual(stdout, "")
    assert.match(stderr, /Something went wrong that never should: boom/)
    assert.notMatch(stderr, /\.ts:\d|secret/)
  })

  it("shows where it happened to those who debug", async () => {
    assert.match((await start(["plan", "--log-level=debug"], defect)).stderr, /OnNodeRun\.test\.ts:\d/)
  })

  it("is a problems document for programs", async () => {
    const { stdout } = await start(["plan", "--output=json"], defect)
    assert.deepInclude(JSON.parse(stdout), { kind: "problems", exitStatus: 1 })
  })
})

describe("a signal", () => {
  const interrupted = async (
    signal: "SIGINT" | "SIGTERM",
    progress: ReadonlyArray<Progress.ProgressEvent>,
  ) => {
    const recorder = Recorder.make()
    const slow: Engine["run"] = () =>
      Effect.gen(function* () {
        const { tell } = yield* Progress.Progress
        for (const event of progress) yield* tell(event)
        setTimeout(() => {
          recorder.signal(signal)
          recorder.signal(signal)
        }, 5)
        return yield* Effect.onInterrupt(Effect.never, () =>
          tell({ _tag: "Undoing", stage: "artifacts", changes: 2 }),
        )
      })
    const status = await run([...offline, "install", "--once"], {
      surroundings: recorder.surroundings,
      engineFor: () => Promise.resolve({ ...engine, run: slow }),
    })
    return { status, stderr: recorder.stderr() }
  }

  it("ends at a safe point and says what stands and what was taken back", async () => {
    const { status, stderr } = await interrupted("SIGTERM", [
      { _tag: "StageDone", stage: "cri", changed: 2 },
      { _tag: "StageStarted", stage: "artifacts", steps: 3 },
    ])
    assert.strictEqual(status, 1)
    assert.match(stderr, /^SIGTERM: stopping at the next safe point\.$/m)
    assert.match(stderr, /^SIGTERM again: still stopping/m)
    assert.match(stderr, /Stage\s+cri\s+had\s+been\s+finished, and\s+stands\./)
    assert.match(stderr, /What\s+stage\s+artifacts\s+had\s+done\s+was\s+taken\s+back/)
  })
})

describe("snapshots", () => {
  const remove = ["snapshots", "remove", "--snapshotter=nydus"]
  const done: Partial<Engine> = {
    snapshots: (_, show) => Effect.as(show(snapshotsPlan), snapshotsDone),
  }

  it("shows the plan first and the figures at the end", async () => {
    const { status, stdout } = await start(remove, done)
    assert.isAtLeast(stdout.indexOf("2 snapshots to remove, in this order"), 0)
    assert.isBelow(stdout.indexOf("in this order"), stdout.indexOf("Removed 1, gone already 1, failed 0"))
    assert.include(stdout, "used by app")
    assert.strictEqual(status, 5)
  })

  it("is one document with --output json", async () => {
    const { stdout } = await start([...remove, "--output=json"], done)
    assert.deepInclude(JSON.parse(stdout), { schemaVersion: 1, kind: "snapshots", applied: true, left: 1 })
  })

  it("plan and repair change nothing without --apply", async () => {
    const asked: Array<string> = []
    const snapshots: Engine["snapshots"] = ({ action, apply, namespace }) => {
      asked.push(`${action} ${apply} ${namespace}`)
      return Effect.succeed(snapshotsPlan)
    }
    for (const words of [
      ["plan"],
      ["repair", "--namespace=k8s.io"],
      ["repair", "--apply"],
      ["remove"],
      ["remove", "--apply=false"],
    ])
      assert.strictEqual((await start(["snapshots", ...words, "--snapshotter=x"], { snapshots })).status, 0)
    assert.deepStrictEqual(asked, [
      "plan show undefined",
      "repair show k8s.io",
      "repair apply undefined",
      "remove apply undefined",
      "remove show undefined",
    ])
  })

  it("has to be told whose, and what", async () => {
    assert.strictEqual((await start(["snapshots", "plan"])).status, 2)
    assert.strictEqual((await start(["snapshots", "--snapshotter=x"])).status, 2)
  })

  it("that failed or could not be seen end with 1", async () => {
    const [namespace] = snapshotsDone.namespaces
    const report = { ...snapshotsDone, namespaces: [{ ...namespace!, outcome: "unknown" as const }] }
    assert.strictEqual((await start(remove, { snapshots: () => Effect.succeed(report) })).status, 1)
  })

  it("that were stopped in between say why, what is left and what helps, and end with 1", async () => {
    const report = { ...snapshotsDone, stopped: "Could not keep the node lock: process 7 has it now" }
    const { status, stdout } = await start(remove, { snapshots: () => Effect.succeed(report) })
    assert.strictEqual(status, 1)
    assert.include(
      stdout.replaceAll(/\s+/g, " "),
      `Stopped before the end: ${report.stopped}. Run the same once`,
    )
    assert.include(stdout, "Left: 1.")
  })

  it("of which some could not be seen are no plan that is all right", async () => {
    const unknown = { outcome: "unknown" as const, doubts: ["snapshots cannot be listed (it is away)"] }
    const unseen = {
      ...snapshotsPlan,
      namespaces: snapshotsPlan.namespaces.map((n) => ({ ...n, ...unknown })),
    }
    for (const [wish, word] of [
      ["plan", "--output=text"],
      ["plan", "--output=json"],
      ["repair", "--output=text"],
    ]) {
      const argv = ["snapshots", wish!, "--snapshotter=x", word!]
      const { status, stdout } = await start(argv, { snapshots: () => Effect.succeed(unseen) })
      assert.strictEqual(status, 1)
      assert.include(stdout, "snapshots cannot be listed (it is away)")
      if (word === "--output=text")
        assert.include(stdout, "Not everything could be seen, so there may be more.")
    }
    assert.strictEqual(
      (await start(["snapshots", "plan", "--snapshotter=x"])).status,
      0,
      "in use is only shown",
    )
  })
})

describe("snapshotter set-mode", () => {
  const words = ["snapshotter", "set-mode", "host-share", "qemu"]

  it("shows the change, and with --apply what was done as well", async () => {
    const shown = await start(words)
    assert.strictEqual(shown.status, 0)
    assert.match(shown.stdout, /before {2}qemu:nydus\n {4}after {3}qemu:nydus-hs/)
    assert.match(shown.stdout, /With --apply it is carried out/)
    const applied = await start([...words, "--apply"])
    assert.strictEqual(applied.status, 0)
    assert.match(applied.stdout, /Done: 2 steps changed the node\.\n$/)
  })

  it("is one document with --output json, with the report where there is one", async () => {
    const document = async (...flags: ReadonlyArray<string>) =>
      JSON.parse((await start([...words, "--output=json", ...flags])).stdout) as object
    assert.deepInclude(await document(), {
      schemaVersion: 1,
      kind: "mode-change",
      applied: false,
      report: null,
    })
    assert.deepInclude(await document("--apply"), { kind: "mode-change", applied: true })
  })

  it("asks for what it was told, with the conduct of an install", async () => {
    const asked: Array<unknown> = []
    const setMode: Engine["setMode"] = ({ apply, conduct, wish }) => {
      asked.push([wish, apply, conduct])
      return Effect.succeed(modeShown)
    }
    await start(words, { setMode })
    await start([...words, "--apply", "--rollback=never", "--lock-timeout=5"], { setMode })
    const wish = { shim: "qemu", mode: "host-share" }
    assert.deepStrictEqual(asked, [
      [wish, "show", {}],
      [wish, "apply", { rollback: "never", lockSeconds: 5 }],
    ])
  })

  it("has to be told a mode and a shim, and says what is wrong with either at once", async () => {
    for (const [given, message] of [
      [["snapshotter"], /needs a word behind it.*set-mode/s],
      [["snapshotter", "set-mod"], /Did you mean set-mode\?/],
      [["snapshotter", "set-mode"], /told the mode.*told the shim/s],
      [["snapshotter", "set-mode", "guest-pul"], /Did you mean guest-pull\?.*told the shim/s],
      [[...words, "clh"], /takes no further word/],
    ] as const) {
      const { status, stderr, stdout } = await start(given)
      assert.deepStrictEqual([status, stdout], [2, ""])
      assert.match(stderr, message)
    }
  })

  it("that fails ends as an install does, with its report", async () => {
    const { run: fails } = failing(failedReport)
    const { status, stdout } = await start([...words, "--apply", "--output=json"], { setMode: fails })
    assert.strictEqual(status, 1)
    assert.deepInclude(JSON.parse(stdout), { kind: "problems", exitStatus: 1 })
    assert.property(JSON.parse(stdout), "report")
  })
})
