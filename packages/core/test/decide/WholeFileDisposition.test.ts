import { assert, describe, it } from "@effect/vitest"
import { FileState, RestartNeed, WholeFileDisposition } from "../../src/index.ts"

const cases = [
  ["absent", "absent", "absent", "keep"],
  ["absent", "absent", "present", "delete"],
  ["absent", "present", "absent", "restore"],
  ["absent", "present", "present", "restore"],
  ["present", "absent", "absent", "merge"],
  ["present", "present", "absent", "merge"],
  ["present", "absent", "present", "merge"],
] as const

describe("WholeFileDisposition", () => {
  for (const [block, backup, createdMark, disposition] of cases) {
    it(`answers ${disposition} where the block is ${block}, the backup ${backup} and the created mark ${createdMark}`, () => {
      assert.strictEqual(WholeFileDisposition.decide({ block, backup, createdMark }), disposition)
    })

    it(`makes a restart ${disposition === "keep" ? "needless" : "due"} where the answer is ${disposition} (block ${block}, backup ${backup}, mark ${createdMark})`, () => {
      assert.strictEqual(
        RestartNeed.revertNeedsRestart({ _tag: "WholeFile", disposition }),
        disposition !== "keep",
      )
    })
  }

  it("makes a restart due for every drop-in that is not known to be absent", () => {
    const restart = (state: FileState.FileState) => RestartNeed.revertNeedsRestart({ _tag: "DropIn", state })
    assert.isTrue(restart(FileState.file("")))
    assert.isTrue(restart({ _tag: "Unreadable", why: "denied", detail: "EACCES" }))
    assert.isFalse(restart(FileState.absent))
    assert.isTrue(RestartNeed.revertNeedsRestart({ _tag: "Unresolved" }))
  })
})
