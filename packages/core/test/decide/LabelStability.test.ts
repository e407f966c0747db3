import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { LabelStability } from "../../src/index.ts"

/** Runs the machine against looks, the last of which repeats; answers how it ended and what it did. */
const run = (looks: ReadonlyArray<LabelStability.LabelLook>, writes: "done" | "failed" = "done") => {
  let state = LabelStability.start
  let at = 0
  let seconds = 0
  let written = 0
  for (;;) {
    const { next } = state
    if (next._tag === "Held" || next._tag === "NotStable")
      return { end: next._tag, looks: at, seconds, written }
    seconds += next.afterSeconds
    if (next._tag === "Write") {
      written += 1
      state = LabelStability.written(state, writes)
    } else {
      state = LabelStability.looked(state, looks[Math.min(at, looks.length - 1)]!)
      at += 1
    }
  }
}

describe("LabelStability", () => {
  it("holds after six right looks in a row, twelve seconds after the write", () => {
    assert.deepStrictEqual(run(["ok"]), { end: "Held", looks: 6, seconds: 12, written: 1 })
  })

  it("begins again at a wrong look, and counts anew", () => {
    assert.deepStrictEqual(run(["ok", "ok", "ok", "ok", "ok", "drift", "ok"]), {
      end: "Held",
      looks: 12,
      seconds: 26,
      written: 2,
    })
  })

  it("gives up after twelve attempts, and does not wait behind the last", () => {
    for (const look of ["drift", "error"] as const)
      assert.deepStrictEqual(run([look]), { end: "NotStable", looks: 12, seconds: 46, written: 12 })
  })

  it("lets a failed write cost an attempt and no more", () => {
    assert.deepStrictEqual(run(["ok"], "failed"), { end: "NotStable", looks: 0, seconds: 22, written: 12 })
  })

  it("ends for all looks, held only on six right ones in a row", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("ok", "ok", "ok", "drift", "error" as const), { minLength: 1 }),
        (looks) => {
          const { end, looks: taken, written } = run(looks as ReadonlyArray<LabelStability.LabelLook>)
          const seen = Array.from({ length: taken }, (_, at) => looks[Math.min(at, looks.length - 1)])
          assert.strictEqual(
            end === "Held",
            seen.length >= 6 && seen.slice(-6).every((look) => look === "ok"),
          )
          assert.isAtMost(written, 12)
        },
      ),
    )
  })

  it("sees a drift in every value but true", () => {
    const keys = ["a", "b"]
    assert.strictEqual(LabelStability.lookAt({ a: "true", b: "true", c: "x" }, keys), "ok")
    assert.strictEqual(LabelStability.lookAt({ a: "true", b: "false" }, keys), "drift")
    assert.strictEqual(LabelStability.lookAt({ a: "true" }, keys), "drift")
    assert.strictEqual(LabelStability.lookAt(undefined, keys), "error")
  })
})
