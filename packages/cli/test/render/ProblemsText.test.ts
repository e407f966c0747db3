import type { Problem } from "@kata-deploy/core"
import { assert, describe, it } from "vitest"
import { plain } from "../../src/render/Paint.ts"
import * as ProblemsText from "../../src/render/ProblemsText.ts"
import * as Golden from "../sample/Golden.ts"

const problems: ReadonlyArray<Problem.Problem> = [
  {
    code: "E_UNKNOWN_SHIM",
    setting: "SHIMS_X86_64",
    value: "clhh",
    message: '--shims names the unknown shim "clhh". Did you mean clh?',
    remedy:
      "Valid shims are clh, clh-azure, dragonball, fc, firecracker, qemu, qemu-coco-dev, qemu-snp, qemu-tdx, remote.",
  },
  {
    code: "E_MAIN_CONFIG",
    path: "/etc/containerd/config.toml",
    message:
      "The main config is not TOML, so nothing can be added to it: https://me:secret@registry is no key.",
    remedy: "Repair it; containerd itself would not start with it.",
  },
]

const text = (status: number, columns = 80) =>
  ProblemsText.render(problems, status, { paint: plain, columns })

describe("problems for people", () => {
  it("begin with a summary that is always the same, then say what is wrong and what to do", () => {
    Golden.matches(text(2), "fixtures/cli/problems.txt")
  })

  it("fit the width of the terminal", () => {
    const wide = text(3, 60)
      .split("\n")
      .filter((line) => line.length > 60)
    assert.deepStrictEqual(wide, [])
  })

  it("say in the summary whether anything was touched", () => {
    assert.match(text(3), /^error: The node is not ready: 2 problems; it is as it was\.$/m)
    assert.match(text(1), /^error: The action failed: 2 problems\.$/m)
  })

  it("say only once what is true of several paths", () => {
    const many = ["/a", "/b", "/c"].map((path) => ({
      code: "E_PERMISSION",
      path,
      message: `This process may not write ${path}.`,
      remedy: "Run it as root.",
    }))
    assert.strictEqual(
      ProblemsText.render(many, 3, { paint: plain, columns: 80 }),
      `error: The node is not ready: 3 problems; it is as it was.

  This process may not write /a.
  The same is true of
    /b
    /c
  Run it as root.
`,
    )
  })

  it("show no secrets", () => {
    assert.notInclude(text(2), "secret")
  })
})
