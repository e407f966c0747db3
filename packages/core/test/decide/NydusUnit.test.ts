import { assert, describe, it } from "@effect/vitest"
import { Distribution, Instance, NydusMode, NydusUnit } from "../../src/index.ts"

const instanceOf = (suffix?: string, prefix?: string) => Instance.make({ prefix, suffix })

describe("NydusUnit", () => {
  for (const mode of NydusMode.all)
    for (const row of Distribution.rows.filter((r) => r.layout !== "crio"))
      it(`is up before ${row.unit} and wanted by it (${mode})`, () => {
        const lines = NydusUnit.text(mode, instanceOf(), row.unit).split("\n")
        assert.include(lines, `Before=${row.unit}`)
        assert.include(lines, `WantedBy=${row.unit}`)
        assert.isFalse(lines.some((line) => /^(Requires|RequiredBy|PartOf|BindsTo)=/.test(line)))
        const { config, directory } = NydusMode.paths(mode, instanceOf())
        assert.include(
          lines,
          `ExecStart=${directory}/containerd-nydus-grpc --config ${config} --log-to-stdout`,
        )
      })

  it("writes paths so that systemd reads them as they are", () => {
    const text = NydusUnit.text("guest-pull", instanceOf(undefined, "/my disk/50%/$x"), "containerd.service")
    assert.include(text, 'ExecStart="/my disk/50%%/$$x/opt/kata/nydus-for-kata-tee/containerd-nydus-grpc"')
  })

  it("tells modes and instances apart for people", () => {
    const descriptions = NydusMode.all.flatMap((mode) =>
      [undefined, "dev"].map(
        (suffix) => NydusUnit.text(mode, instanceOf(suffix), "k3s.service").split("\n")[1],
      ),
    )
    assert.strictEqual(new Set(descriptions).size, 4)
  })
})
