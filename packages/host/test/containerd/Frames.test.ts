import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Frames from "../../src/containerd/Frames.ts"

const message = fc.uint8Array({ maxLength: 40 })

/** All messages of `bytes`, which come in pieces of these sizes in turn. */
const inPieces = (bytes: Uint8Array, sizes: ReadonlyArray<number>) => {
  const found: Array<ReadonlyArray<number>> = []
  let rest = Frames.start
  for (let from = 0, at = 0; from < bytes.length; from += sizes[at++ % sizes.length]!) {
    const taken = Frames.take(rest, bytes.subarray(from, from + sizes[at % sizes.length]!))
    rest = taken.rest
    found.push(...taken.messages.map((one) => [...one]))
  }
  return { found, left: rest.length }
}

describe("the frames of gRPC", () => {
  it("give back every message, however the bytes come", () =>
    fc.assert(
      fc.property(
        fc.array(message),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (messages, sizes) => {
          const bytes = Buffer.concat(messages.map(Frames.of))
          assert.deepStrictEqual(inPieces(bytes, sizes), { found: messages.map((one) => [...one]), left: 0 })
        },
      ),
    ))

  it("keep what is not complete", () => {
    const bytes = Frames.of(Uint8Array.of(1, 2, 3)).subarray(0, -1)
    assert.deepStrictEqual(inPieces(bytes, [100]), { found: [], left: 7 })
  })

  it("refuse what is compressed, and what is too large", () => {
    assert.throws(() => Frames.take(Frames.start, Uint8Array.of(1, 0, 0, 0, 0)), /compressed/)
    assert.throws(() => Frames.take(Frames.start, Uint8Array.of(0, 255, 0, 0, 0)), /4278190080 bytes/)
  })
})
