import { assert, describe, it } from "@effect/vitest"
import { HostPath, Recognition } from "../../src/index.ts"

const dir = HostPath.make("/opt/kata")
const program = (at: string) => `runtime_path = "${at}/bin/containerd-shim-kata-v2"\n`
const v2 = "io.containerd.grpc.v1.cri"
const v3 = "io.containerd.cri.v1.runtime"
const handler = (name: string, at: string | undefined, plugin = v2) =>
  `[plugins."${plugin}".containerd.runtimes.${name}]\nruntime_type = "io.containerd.x.v2"\n${at === undefined ? "" : program(at)}`
const platform = (name: string) =>
  `[plugins."io.containerd.cri.v1.images".runtime_platforms.${name}]\nsnapshotter = "nydus"\n`

const ours = handler("kata-qemu", "/opt/kata")
const theirs = handler("kata-clh", "/opt/other")
const silent = handler("runc", undefined)

const belonging = (text: string) => Recognition.belonging(text, dir)
const without = (text: string) => Recognition.withoutOurs(text, dir)

describe("the handlers of a file", () => {
  it("are those of every CRI plugin and of CRI-O, each with its table and program", () => {
    const text = `${handler("a", "/x", v3)}${handler("b", undefined)}[crio.runtime.runtimes.c]\n${program("/y")}`
    assert.deepStrictEqual(Recognition.handlersOf(text), [
      {
        name: "a",
        table: ["plugins", v3, "containerd", "runtimes", "a"],
        program: "/x/bin/containerd-shim-kata-v2",
      },
      { name: "b", table: ["plugins", v2, "containerd", "runtimes", "b"], program: undefined },
      { name: "c", table: ["crio", "runtime", "runtimes", "c"], program: "/y/bin/containerd-shim-kata-v2" },
    ])
  })

  it("are none where a value stands in the place of a table, and none in a text that is no TOML", () => {
    assert.deepStrictEqual(Recognition.handlersOf(`[plugins."${v2}".containerd.runtimes]\nx = 1\n`), [])
    assert.deepStrictEqual(Recognition.handlersOf("plugins = 1\n"), [])
    assert.deepStrictEqual(Recognition.handlersOf("x = ["), [])
  })

  it("have no program where that is no text", () => {
    const text = `[crio.runtime.runtimes.c]\nruntime_path = 1\n`
    assert.deepStrictEqual(
      Recognition.handlersOf(text).map((h) => h.program),
      [undefined],
    )
  })
})

describe("to whom a file belongs", () => {
  for (const [what, text, whose] of [
    ["only programs of ours", ours, "ours"],
    ["ours, and a handler that names no program", ours + silent, "ours"],
    ["ours and others'", ours + theirs, "partly"],
    ["only others'", theirs, "others"],
    ["a program beside our directory", handler("x", "/opt/kata-dev"), "others"],
    ["handlers without programs", silent, "unsaid"],
    ["no handlers", "version = 2\n", "unsaid"],
  ] as const) {
    it(`is ${whose} with ${what}`, () => {
      assert.strictEqual(belonging(text), whose)
    })
  }

  it("can only be Kata's where every handler is, by its program or else by its name", () => {
    const isKatas = (text: string) => Recognition.isKatas(text, dir)
    assert.isTrue(isKatas(ours))
    assert.isTrue(isKatas(ours + handler("kata-x", undefined)))
    assert.isFalse(isKatas(ours + silent))
    assert.isFalse(isKatas(ours + theirs))
    assert.isFalse(isKatas("version = 2\n"))
  })
})

describe("a file without our handlers", () => {
  it("keeps every byte of the rest", () => {
    assert.strictEqual(without(`# mine\nversion = 2\n${theirs}${ours}`), `# mine\nversion = 2\n${theirs}`)
    assert.strictEqual(without(theirs), theirs)
    assert.strictEqual(without("x = ["), "x = [")
  })

  it("loses what the images half says of ours, and keeps what it says of others", () => {
    const text = handler("kata-qemu", "/opt/kata", v3) + platform("kata-qemu") + platform("kata-clh")
    assert.strictEqual(without(text), platform("kata-clh"))
    assert.strictEqual(without(handler("kata-qemu", "/opt/kata", v3) + platform("kata-qemu"))?.trim(), "")
  })

  it("has no empty table of handlers left, but the tables around it that say something", () => {
    const settings = `[plugins."${v2}".containerd]\nsnapshotter = "nydus"\n`
    assert.strictEqual(without(settings + ours), settings)
    assert.strictEqual(without(`[plugins."${v2}".containerd.runtimes]\n${ours}`)?.trim(), "")
  })

  it("keeps the handlers of others, and comments behind them, among many of ours", () => {
    const others = (n: number) => `${handler(`other-${n}`, "/opt/other")}# below it\n\n`
    const numbers = Array.from({ length: 20 }, (_, n) => n)
    const mixed = numbers.map((n) => `${handler(`kata-${n}`, "/opt/kata")}\n${others(n)}`)
    assert.strictEqual(
      without(`version = 2\n\n${mixed.join("")}`),
      `version = 2\n\n${numbers.map(others).join("")}`,
    )
  })

  it("keeps a handler that names no program", () => {
    assert.strictEqual(without(silent + ours), silent)
  })
})
