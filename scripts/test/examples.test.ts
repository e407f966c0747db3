import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "vitest"
import { root } from "./Miniature.ts"

describe("examples/plan-only.ts", () => {
  const example = "examples/plan-only.ts"

  it("needs nothing but the core", () => {
    const text = readFileSync(join(root, example), "utf8")
    const imported = [...text.matchAll(/ from "([^"]+)"/g)].map(([, from]) => from)
    assert.deepStrictEqual(imported, ["@kata-deploy/core", "./plan-only.facts.json"])
  })

  it("prints the stages of the plan with a reason for every step", () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, ["--conditions=source", example], {
      cwd: root,
      encoding: "utf8",
    })
    assert.strictEqual(status, 0, stderr)
    const lines = stdout.trimEnd().split("\n")
    assert.strictEqual(lines[0], "k3s will offer kata-qemu")
    assert.deepStrictEqual(
      lines.filter((line) => /^\S+:$/.test(line)),
      ["host-check:", "artifacts:", "cri:"],
    )
    assert.include(
      lines,
      "  create /var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/kata-deploy.toml: k3s reads its runtime handlers here",
    )
    assert.isTrue(lines.slice(1).every((line) => /^(\S+:|  .+: .+)$/.test(line)))
  })
})
