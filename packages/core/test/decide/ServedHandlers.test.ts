import { assert, describe, it } from "@effect/vitest"
import { ServedHandlers } from "../../src/index.ts"
import { settings } from "../Sample.ts"

const expected = ["kata-qemu", "kata-clh"]
const read = (...handlers: ReadonlyArray<string>): ServedHandlers.Look => ({ _tag: "Read", handlers })
const failed: ServedHandlers.Look = { _tag: "Failed" }
const notReported: ServedHandlers.Look = { _tag: "NotReported" }

/** What looks come to; the time is over behind the last. */
const verdict = (looks: ReadonlyArray<ServedHandlers.Look>, wanted = expected) => {
  let looking = ServedHandlers.start(wanted)
  for (const [at, seen] of looks.entries()) {
    const step = ServedHandlers.look(looking, seen)
    if (step.verdict !== undefined) return { verdict: step.verdict, looks: at + 1 }
    looking = step.looking
  }
  return { verdict: ServedHandlers.timeOver(looking), looks: looks.length }
}

const tag = (looks: ReadonlyArray<ServedHandlers.Look>, wanted = expected) => {
  const found = verdict(looks, wanted).verdict
  return found._tag === "Missing" ? found.missing.join() : found._tag
}

describe("ServedHandlers", () => {
  it("is done as soon as all are served", () => {
    assert.deepStrictEqual(verdict([read("runc"), read("runc", ...expected), read()]), {
      verdict: { _tag: "AllLoaded" },
      looks: 2,
    })
  })

  it("waits for the rest until the time is over, and names it", () => {
    assert.strictEqual(tag([read("runc", "kata-clh")]), "kata-qemu")
    assert.strictEqual(tag([read("kata-clh"), failed, failed]), "kata-qemu")
  })

  it("takes an empty list for an answer, and a missing field for none", () => {
    assert.strictEqual(tag([read()]), "kata-qemu,kata-clh")
    assert.strictEqual(tag([notReported, read(...expected)]), "Unknown")
  })

  it("gives up on three failures in a row only", () => {
    assert.strictEqual(verdict([failed, failed, failed, read(...expected)]).verdict._tag, "Unknown")
    assert.strictEqual(tag([failed, failed, read("runc"), failed, failed, read(...expected)]), "AllLoaded")
    assert.strictEqual(tag([failed]), "Unknown")
  })

  it("knows nothing when nothing is expected", () => {
    assert.strictEqual(tag([], []), "Unknown")
    assert.strictEqual(tag([read("runc")], []), "Unknown")
  })

  it("fails an install only when none is served", () => {
    const fails = (...handlers: ReadonlyArray<string>) =>
      ServedHandlers.failsInstall(verdict([read(...handlers)]).verdict)
    assert.isTrue(fails("runc", "kata-qemu-dev", "kata-qemu-debug"))
    assert.isFalse(fails("kata-qemu"))
    assert.isFalse(ServedHandlers.failsInstall(verdict([notReported]).verdict))
  })

  it("expects the shims' handlers, and neither variants nor custom runtimes", () => {
    const wanted = settings({ SHIMS_X86_64: "qemu clh", DEBUG: "true", MULTI_INSTALL_SUFFIX: "dev" })
    assert.isAbove(wanted.handlers.length, 2)
    assert.deepStrictEqual([...ServedHandlers.expectedOf(wanted)], ["kata-qemu-dev", "kata-clh-dev"])
  })

  it("is satisfied by any one where a dispatcher asks for a release", () => {
    assert.isTrue(ServedHandlers.servesAny(expected, ["runc", "kata-clh"]))
    assert.isFalse(ServedHandlers.servesAny(expected, ["runc"]))
    assert.isTrue(ServedHandlers.servesAny(expected, undefined))
  })
})
