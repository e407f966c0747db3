import { assert, describe, it } from "vitest"
import { plain } from "../../src/render/Paint.ts"
import * as StatusText from "../../src/render/StatusText.ts"
import { statusWithDrift } from "../sample/Documents.ts"
import * as Golden from "../sample/Golden.ts"

const style = { paint: plain, columns: 80 }

describe("a status for people", () => {
  it("shows each instance with handlers, labels, restart and drift", () => {
    Golden.matches(StatusText.render(statusWithDrift, style), "fixtures/cli/status-drift.txt")
  })

  it("names modes that were chosen on the node", () => {
    const [instance] = statusWithDrift.instances
    const modes = [{ shim: "qemu", mode: "host-share", said: { snapshotter: "nydus" } }] as const
    const text = StatusText.render({ instances: [{ ...instance!, modes }] }, style)
    assert.include(text, "chosen mode       qemu in host-share, by set-mode over the settings\n")
  })

  it("says that nothing is installed", () => {
    assert.strictEqual(StatusText.render({ instances: [] }, style), "Nothing of ours is installed here.\n")
  })
})
