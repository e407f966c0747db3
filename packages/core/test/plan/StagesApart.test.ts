import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, type Report, Run } from "../../src/index.ts"
import { hosts } from "../engine/SampleHosts.ts"
import * as Node from "../engine/SampleNode.ts"

const missing = "handlers-without-programs"
const left = "handlers-still-configured"
const dropIn = Node.path("/opt/kata/containerd/config.d/kata-deploy.toml")
const goShim = Node.path("/opt/kata/bin/containerd-shim-kata-v2")

const told = ({ notices }: Pick<Report.Report, "notices">): ReadonlyArray<string> =>
  notices.map(({ code }) => code).filter((code) => code === missing || code === left)

/** What each of the actions tells on one node, one after the other. */
const tells = Effect.fnUntraced(function* (
  { tree, variables }: Pick<(typeof hosts)[number], "tree" | "variables">,
  actions: ReadonlyArray<Run.Request["action"]>,
) {
  const files = Node.host(tree)
  const all: Array<ReadonlyArray<string>> = []
  for (const action of actions) {
    const request = Node.request(action, variables)
    const planned = told(yield* Run.plan(request).pipe(Node.on(files)))
    assert.deepStrictEqual(told(yield* Run.run(request).pipe(Node.on(files))), planned, action)
    all.push(planned)
  }
  return all
})

describe("stages that are run by themselves", () => {
  for (const host of hosts) {
    it.effect(`tell on ${host.name} what the stage before them would have brought or taken`, () =>
      Effect.gen(function* () {
        const actions = ["install-stage-cri", "install-stage-artifacts", "install-stage-cri"] as const
        assert.deepStrictEqual(yield* tells(host, actions), [[missing], [], []])
        const back = ["install", "cleanup-stage-remove-artifacts", "cleanup-stage-revert-cri"] as const
        assert.deepStrictEqual(yield* tells(host, back), [[], [left], []])
      }),
    )

    it.effect(`say nothing on ${host.name} in their order, and whole actions never do`, () =>
      Effect.gen(function* () {
        const inOrder = [
          "install-stage-host-check",
          "install-stage-artifacts",
          "install-stage-cri",
          "cleanup-stage-revert-cri",
          "cleanup-stage-remove-artifacts",
        ] as const
        assert.deepStrictEqual(
          yield* tells(host, inOrder),
          inOrder.map(() => []),
        )
        assert.deepStrictEqual(yield* tells(host, ["install", "install", "cleanup"]), [[], [], []])
      }),
    )
  }

  const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!

  it.effect("names the program that is missing and the handlers that need it, and no other", () =>
    Effect.gen(function* () {
      const variables = { ...vanilla.variables, SHIMS_X86_64: "qemu qemu-runtime-rs" }
      const files = Node.host({ ...vanilla.tree, [goShim]: FileState.file("of another pod") })
      const { notices } = yield* Run.plan(Node.request("install-stage-cri", variables)).pipe(Node.on(files))
      const notice = notices.find(({ code }) => code === missing)!
      assert.strictEqual(notice.severity, "warning")
      assert.include(notice.message, "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2 is not on the host")
      assert.include(notice.message, "no pod of kata-qemu-runtime-rs will start")
      assert.include(notice.remedy, "install-stage-artifacts")
    }),
  )

  it.effect("say nothing of a program that cannot be looked at", () =>
    Effect.gen(function* () {
      const files = Node.host({
        ...vanilla.tree,
        [goShim]: { _tag: "Unreadable", why: "denied", detail: "EACCES" },
      })
      const request = Node.request("install-stage-cri", { ...vanilla.variables, SHIMS_X86_64: "qemu" })
      assert.deepStrictEqual(told(yield* Run.plan(request).pipe(Node.on(files))), [])
    }),
  )

  it.effect("say nothing of handlers whose configuration somebody took away", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree)
      yield* Run.run(Node.request("install", vanilla.variables)).pipe(Node.on(files))
      const removal = Node.request("cleanup-stage-remove-artifacts", vanilla.variables)
      const { notices } = yield* Run.plan(removal).pipe(Node.on(files))
      const notice = notices.find(({ code }) => code === left)!
      assert.include(notice.message, `${dropIn} still has kata-qemu`)
      assert.include(notice.remedy, "cleanup-stage-revert-cri")
      files.tree.set(dropIn, FileState.absent)
      assert.deepStrictEqual(told(yield* Run.plan(removal).pipe(Node.on(files))), [])
    }),
  )

  it.effect("tell of what an installer without a ledger configured, too", () =>
    Effect.gen(function* () {
      const files = Node.host({
        ...vanilla.tree,
        [goShim]: FileState.file("shim", 0o755),
        [dropIn]: `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.kata-qemu]\nruntime_path = "${goShim}"\n`,
      })
      const on = (action: Run.Request["action"]) =>
        Run.run(Node.request(action, vanilla.variables)).pipe(Node.on(files), Effect.map(told))
      assert.deepStrictEqual(yield* on("cleanup-stage-remove-artifacts"), [left])
      assert.deepStrictEqual(yield* on("cleanup-stage-revert-cri"), [])
    }),
  )
})
