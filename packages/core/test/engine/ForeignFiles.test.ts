import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, Run } from "../../src/index.ts"
import { SampleArchive } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.2 that reads conf.d")!
const { variables } = vanilla
const versions = "/opt/kata/versions.yaml"
const userDropIn = "/etc/containerd/conf.d/zz-kata-deploy-user.toml"
const dropIn = "/etc/containerd/conf.d/kata-deploy.toml"

const withUserDropIn = (action: Run.Request["action"]): Run.Request => ({
  ...Node.request(action, { ...variables, CONTAINERD_USER_DROP_IN_SOURCE_FILE: "/user.toml" }),
  userDropIn: FileState.file("oom_score = 1\n"),
})

describe("files of others at the names that ours would have", () => {
  it.effect("keep an install from starting, all of them named at once, and stay as they are", () =>
    Effect.gen(function* () {
      const files = Node.host({
        ...vanilla.tree,
        [versions]: "mine: 1\n",
        [userDropIn]: "oom_score = 2\n",
        [dropIn]: "[debug]\n  level = 'info'\n",
      })
      const before = Node.snapshot(files)
      const error = yield* Run.run(withUserDropIn("install")).pipe(Node.on(files), Effect.flip)
      assert(error._tag === "PrerequisiteError")
      assert.sameMembers(
        error.problems.map((p) => `${p.code} ${p.path}`),
        [versions, userDropIn, dropIn].map((path) => `E_PATH_TAKEN ${path}`),
      )
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("are taken over where they say the very same", () =>
    Effect.gen(function* () {
      const files = Node.host({
        ...vanilla.tree,
        [versions]: "version: 1\n",
        [userDropIn]: "oom_score = 1\n",
      })
      yield* Run.run(withUserDropIn("install")).pipe(Node.on(files))
      yield* Run.run(withUserDropIn("cleanup")).pipe(Node.on(files))
      const left = Object.keys(Node.snapshot(files))
      assert.notInclude(left, versions)
      assert.notInclude(left, userDropIn)
    }),
  )
})

describe("files of others where archives put something", () => {
  const kernel = "/opt/kata/share/kata-containers/vmlinux-6.12"
  const qemu = "/opt/kata/bin/qemu-system-x86_64"
  const install = Node.request("install", variables)

  it.effect("end an install before anything of them is replaced, and the host is as before", () =>
    Effect.gen(function* () {
      const files = Node.host({ ...vanilla.tree, [kernel]: "my own kernel", [qemu]: "my own qemu" })
      const before = Node.snapshot(files)
      const error = yield* Run.run(install).pipe(Node.on(files), Effect.flip)
      assert(error._tag === "ApplyError" && error.cause._tag === "HostError")
      assert.deepStrictEqual(error.cause.reason, {
        _tag: "Taken",
        paths: [Node.path(qemu), Node.path(kernel)],
        count: 2,
      })
      assert.deepStrictEqual(Node.snapshot(files), before)
      files.tree.set(Node.path(kernel), FileState.absent)
      files.tree.set(Node.path(qemu), FileState.absent)
      yield* Run.run(install).pipe(Node.on(files))
    }),
  )

  it.effect(
    "are told from ours, which an upgrade replaces, also where another component brings them now",
    () =>
      Effect.gen(function* () {
        const files = Node.host(vanilla.tree)
        yield* Run.run(install).pipe(Node.on(files))
        const archiveOf = (name: string) => `tarballs/kata-static-${name}.tar.zst`
        files.archives.set(archiveOf("kernel"), [
          SampleArchive.file("bin/qemu-system-x86_64", "newer", 0o755),
        ])
        files.archives.set(archiveOf("qemu"), [SampleArchive.file("share/theirs", "newer")])
        files.tree.set(Node.path("/opt/kata/share/theirs"), FileState.file("mine"))
        const error = yield* Run.run(install).pipe(Node.on(files), Effect.flip)
        assert.include(error.message, "/opt/kata/share/theirs")
        files.tree.set(Node.path("/opt/kata/share/theirs"), FileState.absent)
        yield* Run.run(install).pipe(Node.on(files))
        assert.deepInclude(files.tree.get(Node.path(qemu)), { text: "newer" })
      }),
  )
})

describe("an install directory that is a link", () => {
  it.effect("has to lead somewhere", () =>
    Effect.gen(function* () {
      const files = Node.host({ ...vanilla.tree, "/opt/kata": FileState.link("/mnt/kata") })
      const before = Node.snapshot(files)
      const error = yield* Run.run(Node.request("install", variables)).pipe(Node.on(files), Effect.flip)
      assert(error._tag === "PrerequisiteError")
      assert.deepStrictEqual(
        error.problems.map((p) => p.code),
        ["E_LINK_LEADS_NOWHERE"],
      )
      assert.deepStrictEqual(Node.snapshot(files), before)
      files.tree.set(Node.path("/mnt"), FileState.directory())
      files.tree.set(Node.path("/mnt/kata"), FileState.directory())
      yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
      assert.strictEqual(files.tree.get(Node.path("/mnt/kata/versions.yaml"))._tag, "File")
    }),
  )
})

describe("a directory of imports that cannot be listed", () => {
  const old = hosts.find((host) => host.name === "vanilla containerd 1.7")!
  const importing = `imports = ["/mnt/secret/*.toml"]\n${String(old.tree[old.mainConfig])}`

  it.effect("keeps containerd 1.x from being configured, since its files may hide our handlers", () =>
    Effect.gen(function* () {
      const files = Node.host({ ...old.tree, [old.mainConfig]: importing }, { outOfSight: ["/mnt/secret"] })
      const error = yield* Run.run(Node.request("install", old.variables)).pipe(Node.on(files), Effect.flip)
      assert(error._tag === "PrerequisiteError")
      assert.deepStrictEqual(
        error.problems.map((p) => `${p.code} ${p.path}`),
        ["E_IMPORT_UNREADABLE /mnt/secret"],
      )
    }),
  )

  it.effect("is named where containerd 2.x is configured all the same", () =>
    Effect.gen(function* () {
      const files = Node.host({ ...old.tree, [old.mainConfig]: importing }, { outOfSight: ["/mnt/secret"] })
      const request = Node.request("install", { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" })
      const report = yield* Run.run(request).pipe(Node.on(files))
      const notice = report.notices.find((n) => n.code === "imports-unlisted")
      assert.include(notice?.message ?? "", "/mnt/secret")
    }),
  )
})
