import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { EffectiveSettings, FileState, Ledger, RecordedModes } from "../../src/index.ts"
import * as Node from "./SampleNode.ts"

const stateDir = Node.path("/opt/kata/.kata-deploy")
const settings = Node.settings({})
const choice = { shim: "qemu", mode: "host-share", said: {} } as const
const on = (ledger: FileState.FileState | undefined) =>
  EffectiveSettings.of(settings, stateDir).pipe(
    Node.on(Node.host(ledger === undefined ? {} : { [`${stateDir}/ledger.json`]: ledger })),
  )
const recorded = Ledger.withModes(Ledger.empty("default", "1", "containerd"), [choice])

describe("the settings that hold on a node", () => {
  it.effect("have the choices of its ledger laid over them", () =>
    Effect.gen(function* () {
      const found = yield* on(FileState.file(Ledger.encode(recorded)))
      assert.deepStrictEqual(found, RecordedModes.layOver(settings, [choice]))
      assert.deepStrictEqual(found.recordedModes, [choice])
    }),
  )

  it.effect("are those that were asked for where nothing is recorded, or nothing can be read", () =>
    Effect.gen(function* () {
      for (const ledger of [
        undefined,
        FileState.file(Ledger.encode(Ledger.withModes(recorded, []))),
        FileState.file("{"),
        { _tag: "Unreadable", why: "denied", detail: "no permission" } as const,
      ])
        assert.strictEqual(yield* on(ledger), settings)
    }),
  )
})
