import { assert, describe, it } from "@effect/vitest"
import { SystemdJob } from "../src/index.ts"

const removed = (job: string, result: string): SystemdJob.JobSignal => ({ member: "JobRemoved", job, result })

describe("SystemdJob", () => {
  it("is done when it was carried out or there was nothing to do", () => {
    for (const result of ["done", "skipped"])
      assert.deepStrictEqual(SystemdJob.outcome("/1", [removed("/1", result)]), { _tag: "Done" })
  })

  it("has failed with every other result, and says which", () => {
    for (const result of [
      "failed",
      "canceled",
      "timeout",
      "dependency",
      "assert",
      "unsupported",
      "collected",
      "once",
      "",
    ])
      assert.deepStrictEqual(SystemdJob.outcome("/1", [removed("/1", result)]), { _tag: "Failed", result })
  })

  it("runs on while signals are about other jobs or other things", () => {
    const others = [removed("/2", "failed"), { member: "JobNew", job: "/1", result: "done" }]
    assert.deepStrictEqual(SystemdJob.outcome("/1", others), { _tag: "Running" })
    assert.deepStrictEqual(SystemdJob.outcome("/1", [...others, removed("/1", "done")]), { _tag: "Done" })
  })
})
