import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Metrics from "../../src/health/Metrics.ts"
import type { Message } from "../../src/supervisor/Message.ts"

const told = (...messages: ReadonlyArray<readonly [at: number, message: Message]>): Metrics.Figures =>
  messages.reduce(
    (figures, [at, message]) => Metrics.hear(figures, message, at),
    Metrics.start("4.1.0", 100, "installing"),
  )

const samples = (figures: Metrics.Figures): Array<string> =>
  Metrics.render(figures)
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("#"))

const install = told(
  [101, { _tag: "Settings", release: "4.1.0", instance: "blue", healthPort: 8090 }],
  [102, { _tag: "Planned", runtime: "k3s", restartsDue: 0 }],
  [102, { _tag: "StageStarted", stage: "artifacts" }],
  [103, { _tag: "Unpacking", bytes: 10, totalBytes: 40 }],
  [110, { _tag: "Unpacking", bytes: 40, totalBytes: 40 }],
  [112, { _tag: "StageDone", stage: "artifacts", changed: 22 }],
  [112, { _tag: "StageStarted", stage: "cri" }],
  [113, { _tag: "Restarted", unit: "k3s.service" }],
)

describe("the metrics", () => {
  it("tell of an install that goes on only what is known of it", () => {
    const lines = samples(install)
    assert.includeMembers(lines, [
      'kata_deploy_info{version="4.1.0",instance="blue",runtime="k3s"} 1',
      'kata_deploy_phase{phase="installing"} 1',
      'kata_deploy_stage_duration_seconds{stage="artifacts"} 10',
      'kata_deploy_stage_changes{stage="artifacts"} 22',
      "kata_deploy_unpacked_bytes 40",
      'kata_deploy_unit_restarts_total{unit="k3s.service"} 1',
    ])
    assert.isFalse(lines.some((line) => line.startsWith("kata_deploy_install_result")))
    assert.isFalse(lines.some((line) => line.includes('duration_seconds{stage="cri"}')))
    assert.isFalse(lines.some((line) => line.startsWith("kata_deploy_drift")))
  })

  it("tell an install that changed the node from one that had nothing to do, and both from a failure", () => {
    const result = (figures: Metrics.Figures, outcome: "done" | "failed") =>
      samples(Metrics.installed(figures, outcome, 130)).filter((line) => /result.* 1$/.test(line))
    assert.deepStrictEqual(result(install, "done"), ['kata_deploy_install_result{result="changed"} 1'])
    assert.deepStrictEqual(result(told(), "done"), ['kata_deploy_install_result{result="unchanged"} 1'])
    assert.deepStrictEqual(result(install, "failed"), ['kata_deploy_install_result{result="failed"} 1'])
    assert.include(
      samples(Metrics.installed(install, "done", 130)),
      "kata_deploy_install_duration_seconds 30",
    )
  })

  it("tell drift once it was looked for", () => {
    assert.includeMembers(samples(told([500, { _tag: "Drift", paths: 2 }])), [
      "kata_deploy_drift_paths 2",
      "kata_deploy_drift_checked_timestamp_seconds 500",
    ])
  })

  it("keep to the text format whatever a label holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (instance) => {
        const text = Metrics.render(told([1, { _tag: "Settings", release: "x", instance, healthPort: 1 }]))
        for (const line of text.split("\n").slice(0, -1))
          assert.match(
            line,
            /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? -?[\d.e+-]+)$/u,
          )
        assert.isTrue(text.endsWith("\n"))
      }),
    )
  })
})

describe("the page about the metrics", () => {
  it("names every metric", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../../docs/pod.md"), "utf8")
    const all = Metrics.installed(Metrics.hear(install, { _tag: "Drift", paths: 0 }, 1), "done", 130)
    const names = [...Metrics.render(all).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!)
    assert.isAtLeast(names.length, 14)
    for (const name of names) assert.include(page, `\`${name}\``)
  })
})
