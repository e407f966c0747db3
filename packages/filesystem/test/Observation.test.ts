import { assert, describe, it } from "@effect/vitest"
import { type FileState, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import { largestText } from "../src/Observation.ts"
import { portOver, sampleHost } from "./SampleHost.ts"

const at = HostPath.make
const why = (state: FileState.FileState) => (state._tag === "Unreadable" ? state.why : state._tag)

describe("look", () => {
  it.effect("what is no text is unreadable and says why", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({})
      const port = portOver(host)
      fs.writeFileSync(join(host.root, "latin1"), Buffer.from([0x61, 0xe4, 0x62]))
      fs.writeFileSync(join(host.root, "surrogate"), Buffer.from([0xed, 0xa0, 0x80]))
      fs.writeFileSync(join(host.root, "large"), "")
      fs.truncateSync(join(host.root, "large"), largestText + 1)
      execFileSync("mkfifo", [join(host.root, "fifo")])
      assert.strictEqual(why(yield* port.look(at("/latin1"))), "not-utf8")
      assert.strictEqual(why(yield* port.look(at("/surrogate"))), "not-utf8")
      assert.strictEqual(why(yield* port.look(at("/large"))), "too-large")
      assert.strictEqual(why(yield* port.look(at("/fifo"))), "not-a-file")
      assert.strictEqual((yield* port.fingerprint(at("/fifo")))._tag, "Unreadable")
    }),
  )

  it.effect("a file has its owner", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/f": "x" } })
      const state = yield* portOver(host).look(at("/f"))
      const { gid, uid } = fs.statSync(join(host.root, "f"))
      assert.deepStrictEqual(state._tag === "File" ? state.owner : undefined, { uid, gid })
    }),
  )

  it.effect("a file of several megabytes has the digest of all its bytes", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/f": "0123456789abcdef".repeat(200_000) } })
      const expected = createHash("sha256")
        .update(fs.readFileSync(join(host.root, "f")))
        .digest("hex")
      const found = yield* portOver(host).fingerprint(at("/f"))
      assert.strictEqual(found._tag === "File" ? found.digest : found._tag, expected)
    }),
  )
})
