import { assert, describe, it } from "@effect/vitest"
import { ConfigPrediction, HostPath } from "../../src/index.ts"
import { cri, type Document, kata, plugin, root, runc, text, v17, v21, x } from "./effective/Rows.ts"

const filesOf = (files: Readonly<Record<string, Document | string>>) =>
  new Map(Object.entries(files).map(([path, document]) => [HostPath.make(path), text(document)]))

const judge = (
  before: Readonly<Record<string, Document | string>>,
  after: Readonly<Record<string, Document | string>>,
  rest: Partial<ConfigPrediction.PredictionInput> = {},
) =>
  ConfigPrediction.judge({
    root,
    version: v21,
    before: filesOf(before),
    after: filesOf({ ...before, ...after }),
    wanted: ["kata-qemu"],
    isOurs: (name) => name.startsWith("kata-"),
    userDropIn: undefined,
    ...rest,
  })

const codes = ({ problems }: ConfigPrediction.Verdict) => problems.map((p) => p.code)

const main: Document = { version: 2, imports: [x], plugins: cri(2, { runc }) }
const ours: Document = { plugins: cri(2, { "kata-qemu": kata }) }
const before = { [root]: { version: 2, plugins: cri(2, { runc }) } }

describe("ConfigPrediction", () => {
  it("has nothing to say against a drop-in that is merged", () => {
    assert.deepStrictEqual(judge(before, { [root]: main, [x]: ours }), { problems: [], notices: [] })
  })

  it("refuses a plan after which the daemon would not start, with the file", () => {
    const verdict = judge(before, { [root]: main, [x]: "version = \n" })
    assert.deepStrictEqual(codes(verdict), ["E_EFFECTIVE_CONFIG"])
    assert.strictEqual(verdict.problems[0]?.path, x)
    assert.match(
      verdict.problems[0]!.message,
      /would not start, because of .*x\.toml.*: it is not valid TOML/,
    )
  })

  it("says of a root that is broken already that it is, and not that the plan breaks it", () => {
    const broken = { [root]: { version: 2, imports: ["/opt/gone.toml", x] }, [x]: {} }
    assert.deepStrictEqual(codes(judge(broken, { [x]: ours })), ["E_CONTAINERD_CONFIG_REFUSED"])
  })

  it("repairs an import of our own drop-in that is gone", () => {
    assert.deepStrictEqual(codes(judge({ [root]: main }, { [x]: ours })), [])
  })

  it("refuses a plan after which the CRI would not load", () => {
    const drops = judge(before, { [root]: main, [x]: ours }, { version: v17 })
    assert.deepStrictEqual(codes(drops), ["E_EFFECTIVE_CONFIG"])
    assert.match(drops.problems[0]!.message, /without its CRI.*default_runtime_name/)
  })

  it("says of a CRI that is disabled already that it is", () => {
    const disabled = { [root]: { version: 2, imports: [x], disabled_plugins: [plugin[2]] }, [x]: {} }
    assert.deepStrictEqual(codes(judge(disabled, { [x]: ours })), ["E_CRI_NOT_LOADED"])
  })

  it("refuses a plan after which ours would not be served, with the reason", () => {
    const verdict = judge(
      { [root]: { version: 3, imports: [x], plugins: cri(3, { runc }) }, [x]: {} },
      { [x]: ours },
    )
    assert.deepStrictEqual(codes(verdict), ["E_EFFECTIVE_CONFIG"])
    assert.match(verdict.problems[0]!.message, /would not serve kata-qemu.*count as version 3/)
  })

  it("names the file that takes ours away on 1.x", () => {
    const zz = "/opt/d/zz.toml"
    const verdict = judge(
      { [root]: { version: 2, imports: ["/opt/d/*.toml"] }, [zz]: { plugins: cri(2, { runc }) } },
      { [x]: { plugins: cri(2, { runc, "kata-qemu": kata }) } },
      { version: v17 },
    )
    assert.deepStrictEqual([codes(verdict), verdict.problems[0]?.path], [["E_EFFECTIVE_CONFIG"], zz])
  })

  it("refuses to take a handler of others away", () => {
    const crun = { [root]: { version: 2, plugins: cri(2, { runc, crun: runc }) } }
    const verdict = judge(
      crun,
      {
        [root]: { ...main, plugins: cri(2, { runc, crun: runc }) },
        [x]: { plugins: cri(2, { runc, "kata-qemu": kata }) },
      },
      { version: v17 },
    )
    assert.match(verdict.problems[0]!.message, /would lose the handlers of others: crun/)
  })

  it("refuses to change a handler of others, unless the operator's drop-in does it", () => {
    const after = { [root]: main, [x]: { plugins: cri(3, { "kata-qemu": kata }) } }
    assert.match(judge(before, after).problems[0]!.message, /would change the handlers of others: runc/)
    const operators = judge(before, after, { userDropIn: HostPath.make(x) })
    assert.deepStrictEqual(codes(operators), [])
    assert.include(
      operators.notices.map((n) => n.code),
      "user-drop-in-changes-handlers",
    )
  })

  it("lets handlers of ours go", () => {
    const old = { [root]: main, [x]: { plugins: cri(2, { "kata-old": kata, "kata-qemu": kata }) } }
    assert.deepStrictEqual(codes(judge(old, { [x]: ours })), [])
  })
})
