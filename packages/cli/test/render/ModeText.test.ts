import { assert, describe, it } from "vitest"
import * as ModeText from "../../src/render/ModeText.ts"
import { plain } from "../../src/render/Paint.ts"
import { modeApplied, modeShown } from "../sample/Documents.ts"
import * as Golden from "../sample/Golden.ts"

const style = { paint: plain, columns: 80 }

describe("a change of mode for people", () => {
  it("shows every variable before and after, what pulls anew and what restarts", () => {
    Golden.matches(ModeText.render(modeShown, style), "fixtures/cli/set-mode.txt")
  })

  it("that was carried out is followed by what was done, and restarts are told once", () => {
    const text = ModeText.render(modeApplied, style)
    assert.notInclude(text, "With --apply")
    assert.match(text, /\n\ninstall: instance default/)
    assert.notInclude(text, "containerd.service is restarted")
  })

  it("says where there is nothing to change", () => {
    const text = ModeText.render({ ...modeShown, from: null, changes: [], restarts: [], notices: [] }, style)
    assert.strictEqual(
      text,
      "qemu in host-share, so far without a snapshotter of its own:\nThe settings, as they hold on this node, say so already.\n",
    )
  })
})
