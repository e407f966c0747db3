import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import * as ActionTable from "../../src/command/ActionTable.ts"
import { script } from "../../src/manual/Completions.ts"

const has = (program: string) => spawnSync(program, ["-c", "true"]).status === 0

/** Completes a command line in bash, the last word being the one that is typed. */
const completed = (...words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const line = words.map((word) => `'${word}'`).join(" ")
  const { status, stderr, stdout } = spawnSync(
    "bash",
    [
      "-c",
      `${script("bash")}\nCOMP_WORDS=(kata-deploy ${line}); COMP_CWORD=${words.length}; _kata_deploy; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    { encoding: "utf8" },
  )
  assert.strictEqual(status, 0, stderr)
  return stdout.split("\n").filter((word) => word !== "")
}

describe.runIf(has("bash"))("completions in bash", () => {
  it("offer actions first", () => {
    assert.deepStrictEqual(completed("inst"), [
      "install",
      "install-stage-host-check",
      "install-stage-artifacts",
      "install-stage-cri",
    ])
  })

  it("offer the flags of the action", () => {
    assert.deepStrictEqual(completed("install", "--onc"), ["--once"])
    assert.deepStrictEqual(completed("cleanup", "--onc"), [])
    assert.include(completed("--kube", "none", "cleanup", "--shims"), "--shims-x86-64")
  })

  it("offer the words of a choice, and those that an action takes", () => {
    assert.deepStrictEqual(completed("plan", "--kube", "n"), ["none"])
    assert.deepStrictEqual(completed("schema", "p"), ["plan", "packed", "problems"])
    assert.deepStrictEqual(completed("snapshotter", "set"), ["set-mode"])
    assert.deepStrictEqual(completed("snapshotter", "set-mode", "host"), ["host-share"])
    assert.deepStrictEqual(completed("snapshotter", "set-mode", "host-share", "drag"), ["dragonball"])
    assert.deepStrictEqual(completed("plan", "cleanup-stage-re"), [
      "cleanup-stage-revert-cri",
      "cleanup-stage-remove-artifacts",
    ])
  })
})

describe("completions", () => {
  it("name every action in every shell", () => {
    for (const shell of ActionTable.shells)
      for (const name of ActionTable.names) assert.include(script(shell), name)
  })

  for (const shell of ["zsh", "fish"] as const) {
    it.runIf(has(shell))(`are valid ${shell}`, () => {
      // fish 3.6 takes what Node makes of an input for a directory.
      const directory = mkdtempSync(join(tmpdir(), "kata-deploy-completions-"))
      writeFileSync(join(directory, "script"), script(shell))
      const { status, stderr } = spawnSync(shell, ["-n", join(directory, "script")], { encoding: "utf8" })
      rmSync(directory, { recursive: true })
      assert.strictEqual(status, 0, stderr)
    })
  }
})
