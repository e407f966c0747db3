import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, type HostSight, Run } from "../../src/index.ts"
import { SampleArchive } from "../../src/testing/index.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { host, request } = SystemdNode

const sandboxes = Fact.known([
  { id: "b7", pod: "default/web", handler: "kata-qemu" },
  { id: "c8", pod: "default/plain", handler: "runc" },
])
const rust = "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2"
const shim: HostSight.TreeUser = { pid: 7, program: rust, sandbox: "d9", through: "program" }

const installing = (shims: string): Run.Request =>
  Node.request("install", { ...host.variables, SHIMS_X86_64: shims })

/** A node with an install of two shims, of which this is seen later. */
const installed = Effect.fnUntraced(function* (seen: Partial<SystemdNode.SystemdNode["shell"]["sight"]>) {
  const node = SystemdNode.make()
  yield* Run.run(installing("qemu qemu-runtime-rs")).pipe(node.on)
  Object.assign(node.shell.sight, seen)
  const newerQemu = [SampleArchive.file("bin/qemu-system-x86_64", "a newer and larger qemu", 0o755)]
  return {
    node,
    isThere: () => node.files.tree.get(Node.path(rust))._tag === "File",
    upgrade: () => node.files.archives.set("tarballs/kata-static-qemu.tar.zst", newerQemu),
    run: (shims: string) => Run.run(installing(shims)).pipe(node.on),
    plan: (shims: string) => Run.plan(installing(shims)).pipe(node.on),
  }
})

const told = ({
  notices,
}: {
  readonly notices: ReadonlyArray<{ readonly code: string; readonly message: string }>
}) => notices.filter(({ code }) => code === "replaced-while-in-use" || code === "unused-in-use")

describe("an upgrade while Kata sandboxes run", () => {
  it.effect("goes on, and names the sandboxes that go on with the older files", () =>
    Effect.gen(function* () {
      const { plan, run, upgrade } = yield* installed({ sandboxes })
      upgrade()
      const both = "qemu qemu-runtime-rs"
      const [planned] = told(yield* plan(both))
      assert.include(planned?.message, "/opt/kata is in use by sandbox b7 of pod default/web (kata-qemu).")
      assert.notInclude(planned!.message, "c8")
      const report = yield* run(both)
      assert.strictEqual(report.outcome, "done")
      assert.deepStrictEqual(told(report), [planned!])
    }),
  )

  it.effect("says nothing where nothing of an earlier install is replaced", () =>
    Effect.gen(function* () {
      const { run } = yield* installed({ sandboxes, users: Fact.known([shim]) })
      assert.deepStrictEqual(told(yield* run("qemu qemu-runtime-rs")), [])
      const fresh = SystemdNode.make()
      Object.assign(fresh.shell.sight, { sandboxes, users: Fact.known([shim]) })
      assert.deepStrictEqual(told(yield* Run.run(request("install")).pipe(fresh.on)), [])
    }),
  )

  it.effect("says nothing where nobody is seen, or only who is no sandbox", () =>
    Effect.gen(function* () {
      for (const users of [Fact.known([]), Fact.known([{ ...shim, sandbox: undefined }])]) {
        const { run, upgrade } = yield* installed({ sandboxes: Fact.known([]), users })
        upgrade()
        assert.deepStrictEqual(told(yield* run("qemu qemu-runtime-rs")), [])
      }
    }),
  )
})

describe("a shim that the settings no longer name", () => {
  it.effect(
    "keeps its programs while one of them runs, which is said, and loses them in the next install",
    () =>
      Effect.gen(function* () {
        const { isThere, node, plan, run } = yield* installed({ users: Fact.known([shim]) })
        const [planned] = told(yield* plan("qemu"))
        assert.include(
          planned?.message,
          `shim-v2-rust any more, but it is in use by process 7 (${rust}) of sandbox d9,`,
        )
        const report = yield* run("qemu")
        assert.strictEqual(report.outcome, "done")
        assert.deepStrictEqual(told(report), [planned!])
        assert.isTrue(isThere())
        yield* run("qemu")
        assert.isTrue(isThere())
        node.shell.sight.users = Fact.known([])
        yield* run("qemu")
        assert.isFalse(isThere())
      }),
  )

  it.effect(
    "is told from another one by the whole path of its programs, also where a link leads to the tree",
    () =>
      Effect.gen(function* () {
        const { isThere, node, run } = yield* installed({
          users: Fact.known([{ ...shim, program: rust.replace("/opt/", "/data/opt/") }]),
        })
        yield* run("qemu-runtime-rs")
        const go = node.files.tree.get(Node.path("/opt/kata/bin/containerd-shim-kata-v2"))
        assert.deepStrictEqual([go._tag, isThere()], ["Absent", true])
        yield* run("qemu")
        assert.isTrue(isThere())
      }),
  )

  it.effect("keeps them while the CRI runtime has a sandbox of it, where processes are out of sight", () =>
    Effect.gen(function* () {
      const of = (handler: string) => Fact.known([{ id: "d9", pod: "default/rust", handler }])
      const { isThere, node, run } = yield* installed({ sandboxes: of("kata-qemu-runtime-rs") })
      const [said] = told(yield* run("qemu"))
      assert.include(
        said?.message,
        "in use by sandbox d9 of pod default/rust (kata-qemu-runtime-rs), so it stays",
      )
      assert.isTrue(isThere())
      for (const handler of ["kata-qemu", "runc", "kata-qemu-runtime-rs-b"]) {
        node.shell.sight.sandboxes = of(handler)
        yield* run("qemu qemu-runtime-rs")
        yield* run("qemu")
        assert.isFalse(isThere(), handler)
      }
    }),
  )

  it.effect("loses its programs while others of the tree run, and where processes are out of sight", () =>
    Effect.gen(function* () {
      const others: ReadonlyArray<HostSight.TreeUser> = [
        { ...shim, program: "/opt/kata/bin/containerd-shim-kata-v2" },
        { ...shim, program: "/usr/bin/less", through: "open" },
      ]
      for (const users of [Fact.known(others), Fact.unknown("out-of-sight", "no hostPID")]) {
        const { isThere, run } = yield* installed({ users })
        yield* run("qemu")
        assert.isFalse(isThere())
      }
    }),
  )
})
