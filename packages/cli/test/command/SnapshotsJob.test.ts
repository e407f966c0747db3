import { assert, describe, it } from "vitest"
import * as Arguments from "../../src/command/Arguments.ts"
import * as Invocation from "../../src/command/Invocation.ts"
import * as Recorder from "../sample/Recorder.ts"

const decode = (...argv: ReadonlyArray<string>) =>
  Invocation.decode(Arguments.parse(["snapshots", ...argv]), Recorder.make().surroundings)
const messages = (...argv: ReadonlyArray<string>) => decode(...argv).problems.map(({ message }) => message)

describe("the words behind snapshots", () => {
  it("say what is done with whose snapshots", () => {
    const { invocation, problems } = decode("remove", "--snapshotter= nydus ", "--namespace=k8s.io")
    assert.deepStrictEqual(problems, [])
    assert.deepNestedInclude(invocation, {
      "job.wish": {
        action: "remove",
        snapshotter: "nydus",
        namespace: "k8s.io",
        apply: "apply",
        lockSeconds: 300,
      },
    })
  })

  it("are about every namespace only where none is named, not where its name is blank", () => {
    assert.deepStrictEqual(messages("remove", "--snapshotter=nydus", "--namespace="), [
      '--namespace is "", which it cannot be.',
    ])
  })

  it("need the snapshotter, of which is told once", () => {
    assert.deepStrictEqual(messages("plan"), ["snapshots needs to be told whose snapshots."])
    assert.deepStrictEqual(messages("plan", "--snapshotter"), ["--snapshotter has no value."])
    assert.deepStrictEqual(messages("plan", "--snapshotter= "), ['--snapshotter is " ", which it cannot be.'])
  })

  it("do not apply what is only planned", () => {
    assert.match(messages("plan", "--snapshotter=nydus", "--apply")[0] ?? "", /^snapshots plan only shows/)
    assert.deepStrictEqual(messages("plan", "--snapshotter=nydus", "--apply=false"), [])
  })
})
