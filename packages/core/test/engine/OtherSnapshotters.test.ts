import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, Run } from "../../src/index.ts"
import * as NydusNode from "./NydusNode.ts"
import * as Node from "./SampleNode.ts"

const plugin = (name: string, socket: string) =>
  `[proxy_plugins.${name}]\ntype = "snapshot"\naddress = "${socket}"\n`
const main = (text: string) => ({ "/etc/containerd/config.toml": `version = 3\n${text}` })
const ours = "nydus-for-kata-hs"

/** What a change to host sharing is refused for on a node, or what it tells. */
const told = Effect.fnUntraced(function* (
  tree: Readonly<Record<string, FileState.FileState | string>>,
  before: Effect.Effect<unknown, Run.RunError, Run.Requirements> = Effect.void,
) {
  const node = NydusNode.make({ tree })
  yield* node.on(before)
  yield* node.on(Run.run(node.request("install")))
  const result = yield* Effect.result(node.setMode("show", "host-share"))
  if (result._tag === "Failure") return `refused: ${result.failure.message}`
  const notices = result.success.notices.filter(({ code }) => code === "set-mode-others-unknown")
  return notices.map(({ message }) => message).join("\n")
})

describe("other snapshotters on a node", () => {
  it.effect("that configurations tell of are no matter with everything of their own", () =>
    Effect.gen(function* () {
      const tree = {
        ...main(plugin("nydus", "/run/containerd-nydus/containerd-nydus-grpc.sock")),
        "/etc/nydus-snapshotter/config.toml": "version = 1\n",
      }
      assert.strictEqual(yield* told(tree), "")
    }),
  )

  it.effect("that a unit tells of are refused by the root that its flags name", () =>
    Effect.gen(function* () {
      const tree = {
        ...main(plugin("nydus", "/run/mine.sock")),
        "/etc/systemd/system/nydus-snapshotter.service":
          "[Service]\nExecStart=/usr/bin/containerd-nydus-grpc --address /run/mine.sock --root /var/lib/nydus-for-kata-hs\n",
      }
      assert.include(yield* told(tree), "the root /var/lib/nydus-for-kata-hs with the snapshotter nydus")
    }),
  )

  it.effect("that a unit starts with a configuration out of sight are said to be unknown", () =>
    Effect.gen(function* () {
      const tree = {
        ...main(plugin("nydus", "/run/mine.sock")),
        "/etc/systemd/system/nydus-snapshotter.service":
          "[Service]\nExecStart=/usr/bin/containerd-nydus-grpc --config /srv/nydus.toml\n",
      }
      assert.include(yield* told(tree), "names the snapshotter nydus, whose root is not known")
    }),
  )

  it.effect("without any configuration are refused for a name or a socket, and else said to be unknown", () =>
    Effect.gen(function* () {
      assert.include(yield* told(main(plugin("stargz", "/run/stargz.sock"))), "the snapshotter stargz, whose")
      assert.include(yield* told(main(plugin(ours, "/run/a.sock"))), `the plugin name ${ours}`)
      const socket = `/run/${ours}/containerd-nydus-grpc.sock`
      assert.include(yield* told(main(plugin("a", socket))), `the socket ${socket}`)
    }),
  )

  it.effect("in files that containerd's main config imports are looked at as well", () =>
    Effect.gen(function* () {
      const tree = {
        "/etc/containerd/config.toml": 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n',
        "/etc/containerd/conf.d/other.toml": `version = 3\n${plugin(ours, "/run/a.sock")}`,
      }
      const refusal = yield* told(tree)
      assert.include(refusal, `the plugin name ${ours}`)
    }),
  )

  it.effect("of our other instances are known by what they have written", () =>
    Effect.gen(function* () {
      const other = NydusNode.make().request("install", { ...NydusNode.guestPull, MULTI_INSTALL_SUFFIX: "b" })
      assert.strictEqual(yield* told({}, Run.run(other)), "")
      // By their units, and by their configurations where no unit is to be seen.
      const node = NydusNode.make()
      yield* node.on(Run.run(other))
      yield* node.on(Run.run(node.request("install")))
      const unit = Node.path("/etc/systemd/system/nydus-for-kata-tee-b.service")
      assert.strictEqual(node.files.tree.get(unit)._tag, "File")
      node.files.tree.set(unit, FileState.absent)
      const { notices } = yield* node.setMode("show", "host-share")
      assert.notInclude(
        notices.map(({ code }) => code),
        "set-mode-others-unknown",
      )
    }),
  )

  it.effect("are not ours, neither in a drop-in nor in the block of a main config", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* told({}), "")
      const node = NydusNode.make({ tree: { "/etc/containerd/config.toml": "version = 2\n" } })
      const old = { ...NydusNode.guestPull, CONTAINER_RUNTIME_VERSION: "containerd://1.7.24" }
      yield* node.on(Run.run(node.request("install", old)))
      assert.include(node.text("/etc/containerd/config.toml"), "proxy_plugins.nydus-for-kata-tee")
      const { notices } = yield* node.setMode("show", "host-share", { variables: old })
      assert.notInclude(
        notices.map(({ code }) => code),
        "set-mode-others-unknown",
      )
    }),
  )

  it.effect("are not there where somebody names ours once more", () =>
    Effect.gen(function* () {
      const main = 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
      const copy = Node.path("/etc/containerd/conf.d/copy.toml")
      const node = NydusNode.make({ tree: { "/etc/containerd/config.toml": main, [copy]: "version = 3\n" } })
      yield* node.on(Run.run(node.request("install")))
      const text = `version = 3\n${plugin("nydus-for-kata-tee", "/run/nydus-for-kata-tee/containerd-nydus-grpc.sock")}`
      node.files.tree.set(copy, FileState.file(text))
      const { changes } = yield* node.setMode("show", "guest-pull")
      assert.deepStrictEqual(changes, [])
    }),
  )

  it.effect("in a directory that cannot be listed are said to be unknown", () =>
    Effect.gen(function* () {
      const main = 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
      const node = NydusNode.make({ tree: { "/etc/containerd/config.toml": main } })
      yield* node.on(Run.run(node.request("install")))
      const directory = Node.path("/etc/containerd/conf.d")
      node.files.tree.set(directory, { _tag: "Unreadable", why: "denied", detail: "no permission" })
      const { notices } = yield* node.setMode("show", "host-share")
      const notice = notices.find(({ code }) => code === "set-mode-others-unknown")
      assert.include(notice?.message, `${directory} cannot be listed`)
    }),
  )

  it.effect("in a file that cannot be read are said to be unknown, and never taken for none", () =>
    Effect.gen(function* () {
      const node = NydusNode.make({
        tree: {
          "/etc/containerd/config.toml": 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n',
          "/etc/containerd/conf.d/other.toml": "version = 3\n",
        },
      })
      yield* node.on(Run.run(node.request("install")))
      const other = Node.path("/etc/containerd/conf.d/other.toml")
      node.files.tree.set(other, { _tag: "Unreadable", why: "denied", detail: "no permission" })
      const { notices } = yield* node.setMode("show", "host-share")
      assert.include(notices.map(({ message }) => message).join("\n"), `${other} cannot be read`)
      node.files.tree.set(other, FileState.file("[oops"))
      // containerd would not start with it, so there is nothing to carry out either.
      assert.include((yield* Effect.flip(node.setMode("show", "host-share"))).message, other)
    }),
  )
})
