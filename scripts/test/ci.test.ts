import { spawnSync } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "vitest"
import { root } from "./Miniature.ts"

/** What a part of the run does: its exit status, and the numbers that it reports, if any. */
interface Part {
  readonly status: number
  readonly numbers?: readonly [passed: number, failed: number]
}

/** Runs `.ci/run` with an `npm` that plays the given parts. */
const ci = (parts: {
  readonly ci?: number
  readonly test: Part
  readonly check: Part
  readonly e2e: Part
}) => {
  const directory = mkdtempSync(join(tmpdir(), "kata-deploy-ci-"))
  const vitest = ([numPassedTests, numFailedTests]: readonly [number, number]) =>
    JSON.stringify({ numPassedTests, numFailedTests })
  const act = ({ numbers, status }: Part, text: string) => [
    ...(numbers ? [`echo '${text}' > "$report"`] : []),
    `exit ${status}`,
  ]
  const [checked, unchecked] = parts.check.numbers ?? [0, 0]
  const npm = [
    "#!/usr/bin/env bash",
    'report=${CHECK_REPORT:-${!#}}; report=${report#*=}; echo "ran npm $1 $2"',
    'case "$1 $2" in',
    `"ci ") exit ${parts.ci ?? 0};;`,
    '"test --")',
    ...act(parts.test, vitest(parts.test.numbers ?? [0, 0])),
    ";;",
    '"run check")',
    ...act(parts.check, JSON.stringify({ passed: checked, failed: unchecked })),
    ";;",
    '"run e2e")',
    ...act(parts.e2e, vitest(parts.e2e.numbers ?? [0, 0])),
    ";;",
    "esac",
    "exit 99",
  ]
  try {
    mkdirSync(join(directory, "bin"))
    cpSync(join(root, ".ci"), join(directory, "checkout/.ci"), { recursive: true })
    writeFileSync(join(directory, "bin/npm"), npm.join("\n"))
    chmodSync(join(directory, "bin/npm"), 0o755)
    const { status, stdout } = spawnSync(join(directory, "checkout/.ci/run"), {
      cwd: tmpdir(),
      encoding: "utf8",
      env: { ...process.env, PATH: [join(directory, "bin"), process.env["PATH"]].join(delimiter) },
    })
    return { status, stdout, last: stdout.trimEnd().split("\n").at(-1) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const good = (passed: number): Part => ({ status: 0, numbers: [passed, 0] })

describe(".ci/run", () => {
  it("sums tests, rules and end-to-end tests in its last line", () => {
    const { last, status } = ci({ test: good(100), check: good(13), e2e: good(7) })
    assert.strictEqual(last, "120 passed, 0 failed")
    assert.strictEqual(status, 0)
  })

  it("goes on after a part that failed, and fails", () => {
    const { last, status, stdout } = ci({
      test: { status: 1, numbers: [98, 2] },
      check: { status: 1, numbers: [12, 1] },
      e2e: good(7),
    })
    assert.strictEqual(last, "117 passed, 3 failed")
    assert.notStrictEqual(status, 0)
    assert.include(stdout, "ran npm run e2e")
  })

  it.each<[string, Part]>([
    ["crashed before it reported", { status: 137 }],
    ["reported nothing but success", { status: 0 }],
    ["counted nothing", { status: 0, numbers: [0, 0] }],
    ["ended badly although nothing in it failed", { status: 1, numbers: [5, 0] }],
  ])("counts one failure for a part that %s", (_, part) => {
    const { last, status } = ci({ test: good(100), check: good(13), e2e: part })
    assert.strictEqual(last, `${113 + (part.numbers?.[0] ?? 0)} passed, 1 failed`)
    assert.notStrictEqual(status, 0)
  })

  it("counts one failure when the installation fails", () => {
    const { last, status } = ci({ ci: 1, test: good(1), check: good(1), e2e: good(1) })
    assert.strictEqual(last, "3 passed, 1 failed")
    assert.notStrictEqual(status, 0)
  })
})
