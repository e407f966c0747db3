import { assert, describe, it } from "@effect/vitest"
import { HostPath } from "../../src/index.ts"
import * as ChangedFiles from "../../src/plan/ChangedFiles.ts"

const into = HostPath.make("/opt/kata")
const messages = (
  changed: Readonly<Record<string, ReadonlyArray<string>>>,
  components: ReadonlyArray<string>,
  fate: ChangedFiles.Fate = "removed",
) =>
  ChangedFiles.notices(
    { changed: new Map(Object.entries(changed)), renewed: new Map() },
    components,
    into,
    fate,
  ).map(({ message }) => message)

describe("unpacked files that somebody changed", () => {
  it("are named once, sorted, with what becomes of them", () => {
    const changed = { qemu: ["bin/qemu"], kernel: ["share/vmlinux", "bin/qemu"], clh: ["bin/clh"] }
    assert.deepStrictEqual(messages(changed, ["qemu", "kernel"]), [
      "What we unpacked was changed by somebody else since, and goes all the same: /opt/kata/bin/qemu, /opt/kata/share/vmlinux.",
    ])
    assert.deepStrictEqual(messages(changed, ["clh"], "replaced"), [
      "What we unpacked was changed by somebody else since, and is put back as the archives have it: /opt/kata/bin/clh.",
    ])
  })

  it("are counted from the eleventh on", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => `f${String(at).padStart(4, "0")}`)
    assert.notInclude(messages({ qemu: many(10) }, ["qemu"])[0], "more")
    const [message] = messages({ qemu: many(3000) }, ["qemu"])
    assert.include(message, "/opt/kata/f0009 and 2990 more.")
    assert.notInclude(message, "f0010")
  })

  it("are not spoken of where there are none", () => {
    assert.deepStrictEqual(messages({ qemu: ["bin/qemu"] }, ["kernel"]), [])
  })
})
