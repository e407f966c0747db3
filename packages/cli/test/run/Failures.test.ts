import { HostError, HostPath, NodeApi, Problem, Report } from "@kata-deploy/core"
import { assert, describe, it } from "vitest"
import * as ExitStatus from "../../src/ExitStatus.ts"
import { problemsOf, unexpected } from "../../src/run/Failures.ts"
import { failedReport, incompleteReport } from "../sample/Documents.ts"

const reasons: ReadonlyArray<HostError.HostErrorReason> = [
  { _tag: "Drifted", expected: "a", found: "b" },
  { _tag: "Denied" },
  { _tag: "NoSpace" },
  { _tag: "ReadOnly" },
  { _tag: "EscapesRoot", via: "/x" },
  { _tag: "BadArchive", archive: "a.tar.zst", entry: undefined, detail: "it is cut" },
  { _tag: "Taken", paths: [HostPath.make("/opt/kata/bin/qemu")], count: 1 },
  { _tag: "Refused", detail: "no" },
  { _tag: "NotLoaded", detail: "snapshotter not loaded: x" },
  { _tag: "LockLost", holder: "kata-deploy (process 7)" },
  { _tag: "TimedOut", seconds: 3 },
  { _tag: "Io", code: "EIO" },
]
const hostError = (reason: HostError.HostErrorReason) =>
  new HostError.HostError({ operation: "write", path: HostPath.make("/etc/x"), reason })
const cluster = new NodeApi.ClusterError({ operation: "read node w", detail: "it is away", remedy: "Wait." })
const problem = { code: "E", message: "M.", remedy: "R." }

describe("a failure", () => {
  it("becomes a problem with a code, the path, a sentence and a remedy", () => {
    for (const reason of reasons) {
      const [told] = problemsOf(hostError(reason))
      assert.match(told?.code ?? "", /^E_[A-Z_]+$/)
      assert.strictEqual(told?.path, "/etc/x")
      assert.match(told?.message ?? "", /^Could not write \/etc\/x: .*\.$/)
      assert.match(told?.remedy ?? "", /\.$/)
    }
    assert.deepStrictEqual(problemsOf(cluster), [
      { code: "E_CLUSTER", message: "Could not read node w: it is away.", remedy: "Wait." },
    ])
  })

  it("over a path sends nobody to the kernel's log, and over a device does", () => {
    const of = (code: string) => problemsOf(hostError({ _tag: "Io", code }))[0]!
    for (const code of ["ENOENT", "ENOTDIR", "EISDIR", "EEXIST", "ENAMETOOLONG"]) {
      assert.notInclude(of(code).message, code)
      assert.include(of(code).remedy, "the path is right")
    }
    assert.include(of("EIO").message, "EIO")
    assert.include(of("EIO").remedy, "dmesg")
  })

  it("over an archive shows no name that a terminal would obey", () => {
    const [told] = problemsOf(
      hostError({ _tag: "BadArchive", archive: "a.tar.zst", entry: "opt/kata/\u001b[2J", detail: "no\n" }),
    )
    assert.include(told!.message, "a.tar.zst is refused at entry opt/kata/\\x1b[2J: no\\x0a")
  })

  it("of a unit names the unit whose log says more, and no other failure sends people there", () => {
    const [refused, timedOut, denied] = (["Refused", "TimedOut", "Denied"] as const).map((tag) => {
      const reason = reasons.find(({ _tag }) => _tag === tag)!
      const about = { operation: "restart it", path: undefined, reason, unit: "k3s.service" }
      return problemsOf(new HostError.HostError(about))[0]!.remedy
    })
    assert.include(refused, "journalctl -u k3s.service")
    assert.include(timedOut, "journalctl -u k3s.service")
    assert.notInclude(denied, "journalctl")
    for (const reason of reasons) assert.notInclude(problemsOf(hostError(reason))[0]?.remedy, "journalctl")
  })

  it("has the exit status of the contract", () => {
    const status = (failure: ExitStatus.NodeFailure) => ExitStatus.ofFailure(failure)
    assert.strictEqual(status(new Problem.SettingsError({ problems: [problem] })), 2)
    assert.strictEqual(status(new Problem.PrerequisiteError({ problems: [problem] })), 3)
    assert.strictEqual(status(hostError({ _tag: "Denied" })), 3)
    assert.strictEqual(status(hostError({ _tag: "ReadOnly" })), 3)
    assert.strictEqual(status(hostError({ _tag: "NoSpace" })), 1)
    assert.strictEqual(status(hostError({ _tag: "Io", code: "EIO" })), 1)
    assert.strictEqual(status(cluster), 1)
    const cause = hostError({ _tag: "Denied" })
    assert.strictEqual(status(new Report.ApplyError({ report: failedReport, cause })), 1)
    assert.strictEqual(status(new Report.ApplyError({ report: incompleteReport, cause })), 6)
  })

  it("over files of somebody else is 3 as in a plan, also where only unpacking found them", () => {
    const cause = hostError({ _tag: "Taken", paths: [HostPath.make("/opt/kata/bin/qemu")], count: 1 })
    assert.strictEqual(ExitStatus.ofFailure(new Report.ApplyError({ report: failedReport, cause })), 3)
    assert.strictEqual(ExitStatus.ofFailure(new Report.ApplyError({ report: incompleteReport, cause })), 6)
  })

  it("that nobody expected is one line", () => {
    const told = unexpected(new Error("boom\n    at somewhere (file.ts:1:1)"))
    assert.strictEqual(told.message, "Something went wrong that never should: boom")
    assert.match(told.remedy, /report it .*--log-level debug/)
    assert.match(unexpected(undefined).message, /undefined/)
  })
})
