import { assert, describe, it } from "@effect/vitest"
import * as CriAnswers from "../../src/sight/CriAnswers.ts"

const config = (value: unknown) => ({ info: { config: JSON.stringify(value) } })

describe("the answers of a CRI runtime", () => {
  it("name the runtime with its version as other programs write it", () => {
    const named = (runtimeName: string, runtimeVersion: string) =>
      CriAnswers.runtimeOf({ runtimeName, runtimeVersion })
    assert.strictEqual(named("containerd", "1.6.20~ds1"), "containerd 1.6.20~ds1")
    assert.strictEqual(named("containerd", "v2.1.5-k3s1"), "containerd 2.1.5-k3s1")
    assert.strictEqual(named("cri-o", "1.33.0"), "cri-o 1.33.0")
    assert.strictEqual(CriAnswers.runtimeOf({}), "")
  })

  it("are ready by the condition RuntimeReady alone", () => {
    const ready = (...conditions: ReadonlyArray<object>) => CriAnswers.isReady({ status: { conditions } })
    const network = { type: "NetworkReady", status: true }
    assert.isTrue(ready({ type: "NetworkReady", status: false }, { type: "RuntimeReady", status: true }))
    assert.isFalse(ready(network, { type: "RuntimeReady", status: false }))
    assert.isFalse(ready(network))
    assert.isFalse(CriAnswers.isReady({}))
  })

  it("list the handlers by their names, the default one aside", () => {
    const runtimeHandlers = [{ name: "runc" }, { name: "" }, { name: "kata-qemu" }, { name: "runc" }]
    assert.deepStrictEqual(CriAnswers.handlersOf({ runtimeHandlers }), ["kata-qemu", "runc"])
  })

  it("show the handlers in the configuration where they are not listed", () => {
    const status = config({ containerd: { runtimes: { runc: {}, "kata-qemu": {} } } })
    assert.deepStrictEqual(CriAnswers.handlersOf({ runtimeHandlers: [], ...status }), ["kata-qemu", "runc"])
    assert.deepStrictEqual(CriAnswers.handlersOf(config({ containerd: { runtimes: {} } })), [])
  })

  it("leave the handlers unknown where neither says them", () => {
    for (const status of [{}, config({}), config({ containerd: null }), { info: { config: "{" } }])
      assert.isUndefined(CriAnswers.handlersOf(status))
  })

  it("tell sandboxes that run from those that have stopped", () => {
    const metadata = { namespace: "default", name: "web" }
    const items = [
      { id: "b", metadata, state: 0, runtimeHandler: "kata-qemu" },
      { id: "stopped", metadata, state: 1, runtimeHandler: "kata-qemu" },
      { id: "a", metadata, state: 0, runtimeHandler: "" },
    ]
    assert.deepStrictEqual(CriAnswers.sandboxesOf({ items }), [
      { id: "a", pod: "default/web", handler: "" },
      { id: "b", pod: "default/web", handler: "kata-qemu" },
    ])
    assert.deepStrictEqual(CriAnswers.sandboxesOf({}), [])
  })
})
