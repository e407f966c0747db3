import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Message from "../../src/supervisor/Message.ts"

const messages: ReadonlyArray<Message.Message> = [
  { _tag: "Settings", release: "4.1.0", instance: "default", healthPort: 8090 },
  { _tag: "Planned", runtime: "k3s", restartsDue: 1 },
  { _tag: "StageStarted", stage: "artifacts" },
  { _tag: "StageDone", stage: "artifacts", changed: 3 },
  { _tag: "Undoing", stage: "cri", changes: 2 },
  { _tag: "Unpacking", bytes: 5, totalBytes: 9 },
  { _tag: "Restarted", unit: "containerd.service" },
  { _tag: "Drift", paths: 0 },
  { _tag: "Problems", messages: ["one\ntwo", "ü"] },
]

describe("messages to the supervisor", () => {
  it("come back as they were sent", () => {
    for (const message of messages) {
      const line = Message.encode(message)
      assert.strictEqual(line.indexOf("\n"), line.length - 1)
      assert.deepStrictEqual(Message.decode(line), message)
    }
  })

  it("of another version are passed over", () => {
    for (const line of [
      "",
      "x",
      "null",
      "3",
      '{"_tag":"New"}',
      '{"_tag":"Planned","runtime":3}',
      '{"_tag":"Problems","messages":[1]}',
      '{"_tag":"constructor"}',
    ])
      assert.isUndefined(Message.decode(line), line)
  })

  it("are found however the pipe cuts them", () => {
    const text = messages.map(Message.encode).join("")
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const heard: Array<Message.Message | undefined> = []
        const take = Message.lines((line) => heard.push(Message.decode(line)))
        const at = [0, ...cuts.sort((a, b) => a - b), text.length]
        for (let i = 1; i < at.length; i++) take(text.slice(at[i - 1], at[i]))
        assert.deepStrictEqual(heard, [...messages])
      }),
    )
  })

  it("that never end are dropped, and the next is heard", () => {
    const heard: Array<string> = []
    const take = Message.lines((line) => heard.push(line))
    for (let i = 0; i < 5; i++) take("x".repeat(Message.lineLength))
    take("rest\nnext\n")
    assert.deepStrictEqual(heard, ["next"])
  })
})
