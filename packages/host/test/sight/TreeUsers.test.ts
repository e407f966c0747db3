import { assert, describe, it } from "@effect/vitest"
import { Fact, HostLayout, HostPath, type HostSight } from "@kata-deploy/core"
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import fs from "node:fs"
import { afterEach, vi } from "vitest"
import * as Sight from "../../src/sight/Sight.ts"
import * as SampleRoot from "./SampleRoot.ts"

const tree = HostPath.make("/opt/kata")
const link = (target: string) => new SampleRoot.LinkTo(target)
const init: SampleRoot.SampleProcess = { exe: "/usr/lib/systemd/systemd", name: "systemd", parent: 0 }

type Users = Fact.Fact<ReadonlyArray<HostSight.TreeUser>>

/** Users of `/opt/kata` on a made-up host with these processes. */
const usersOf = (
  processes: Readonly<Record<number, SampleRoot.SampleProcess>>,
  files: SampleRoot.Tree = {},
): Effect.Effect<Users, never, Scope.Scope> =>
  Effect.gen(function* () {
    const root = yield* SampleRoot.make({ "opt/kata/bin/qemu": "q", ...files })
    SampleRoot.grow(root, SampleRoot.processes(root, "proc", { 1: init, ...processes }))
    return yield* Sight.make({ layout: HostLayout.wholeRoot(root) }).usersOf(tree)
  })

const pids = (users: Users): ReadonlyArray<number> => {
  assert(users._tag === "Known", users._tag === "Unknown" ? users.why : "")
  return users.value.map(({ pid }) => pid)
}

describe("the users of a tree", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.effect("are processes that run, map or hold open files of it, or stand in it", () =>
    Effect.gen(function* () {
      const users = yield* usersOf({
        2: { name: "kthreadd" },
        10: { exe: "/opt/kata/bin/qemu", line: ["/opt/kata/bin/qemu", "-name", "sandbox-s1,x"] },
        11: { exe: "/usr/bin/python3", mapped: ["/usr/lib/libc.so.6", "/opt/kata/lib/x.so (deleted)"] },
        12: { exe: "/usr/bin/less", open: ["/dev/null", "/opt/kata/share/kata.img", "socket:[1]"] },
        13: { exe: "/bin/bash", cwd: "/opt/kata" },
        14: {
          exe: "/usr/bin/other",
          cwd: "/opt/kata-2",
          open: ["/opt/kata.log"],
          mapped: ["/opt/katabase/x"],
        },
      })
      assert.deepStrictEqual(
        users,
        Fact.known([
          { pid: 10, program: "/opt/kata/bin/qemu", sandbox: "s1", through: "program" as const },
          { pid: 11, program: "/usr/bin/python3", sandbox: undefined, through: "mapped" as const },
          { pid: 12, program: "/usr/bin/less", sandbox: undefined, through: "open" as const },
          { pid: 13, program: "/bin/bash", sandbox: undefined, through: "directory" as const },
        ]),
      )
    }),
  )

  it.effect("include one whose program was replaced by an upgrade", () =>
    Effect.gen(function* () {
      const users = yield* usersOf({ 10: { exe: "/opt/kata/bin/qemu (deleted)" } })
      assert(users._tag === "Known")
      assert.deepInclude(users.value[0], { pid: 10, program: "/opt/kata/bin/qemu", through: "program" })
    }),
  )

  it.effect("are found where the install directory is reached through a link", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({ "data/kata/bin/qemu": "q", opt: link("/data") })
      SampleRoot.grow(
        root,
        SampleRoot.processes(root, "proc", { 1: init, 10: { exe: "/data/kata/bin/qemu" } }),
      )
      assert.deepStrictEqual(
        pids(yield* Sight.make({ layout: HostLayout.wholeRoot(root) }).usersOf(tree)),
        [10],
      )
    }),
  )

  it.effect("are not those of another tree of the same name in a container", () =>
    Effect.gen(function* () {
      const container = yield* SampleRoot.make({ "opt/kata/bin/qemu": "another" })
      const users = yield* usersOf({
        10: { exe: "/opt/kata/bin/qemu", cwd: "/opt/kata", root: container },
        11: { exe: "/opt/kata/bin/qemu" },
      })
      assert.deepStrictEqual(pids(users), [11])
    }),
  )

  it.effect(
    "include one in a root of its own that does not have the tree any more, as virtiofsd makes itself",
    () =>
      Effect.gen(function* () {
        const empty = yield* SampleRoot.make({})
        const users = yield* usersOf({ 10: { exe: "/opt/kata/libexec/virtiofsd", root: empty } })
        assert.deepStrictEqual(pids(users), [10])
      }),
  )

  it.effect("include one that runs a file of it by another name in its mount namespace", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({ "opt/kata/bin/qemu": "q", "opt/other": "o" })
      // In a made-up /proc the link is followed to the very file, as the kernel's own does it.
      const all = { 1: init, 10: { exe: `${root}/opt/elsewhere/qemu` }, 11: { exe: `${root}/opt/other` } }
      SampleRoot.grow(root, { "opt/elsewhere": link("kata/bin"), ...SampleRoot.processes(root, "proc", all) })
      assert.deepStrictEqual(
        pids(yield* Sight.make({ layout: HostLayout.wholeRoot(root) }).usersOf(tree)),
        [10],
      )
    }),
  )

  it.effect("are not we, what started us, and what we started", () =>
    Effect.gen(function* () {
      const exe = "/opt/kata/bin/qemu"
      const users = yield* usersOf(
        {
          1: { ...init, cwd: "/opt/kata" },
          20: { exe, parent: 1, name: "a shell) S 99 (" },
          21: { exe, parent: 20 },
          22: { exe, parent: 21 },
          23: { exe, parent: 22 },
          30: { exe, parent: 20 },
        },
        { "proc/self": link("21") },
      )
      assert.deepStrictEqual(pids(users), [30])
    }),
  )

  it.effect("are none where none of the processes has to do with it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* usersOf({ 10: { exe: "/usr/bin/qemu" } }), Fact.known([]))
    }),
  )

  it.effect("are looked for without those that vanish meanwhile", () =>
    Effect.gen(function* () {
      const readlink = fs.readlinkSync
      vi.spyOn(fs, "readlinkSync").mockImplementation(((path: string) => {
        if (/\/10\/(?:cwd|fd|root)/.test(path)) throw Object.assign(new Error("gone"), { code: "ESRCH" })
        return readlink(path)
      }) as typeof fs.readlinkSync)
      const users = yield* usersOf({
        10: { exe: "/bin/x", open: ["/opt/kata/y"] },
        11: { exe: "/opt/kata/z" },
      })
      assert.deepStrictEqual(pids(users), [11])
    }),
  )

  it.effect("are out of sight where processes hide their files, unless their command line tells", () =>
    Effect.gen(function* () {
      const readlink = fs.readlinkSync
      vi.spyOn(fs, "readlinkSync").mockImplementation(((path: string) => {
        if (path.endsWith("/exe")) throw Object.assign(new Error("no"), { code: "EACCES" })
        return readlink(path)
      }) as typeof fs.readlinkSync)
      const hidden = yield* usersOf({ 10: { exe: "/bin/x", line: ["/bin/x"] } })
      assert.deepInclude(hidden, { _tag: "Unknown", how: "out-of-sight" })
      const told = yield* usersOf({ 10: { exe: "/x", line: ["qemu", "-kernel=/opt/kata/share/vmlinux"] } })
      assert(told._tag === "Known")
      assert.deepInclude(told.value[0], { pid: 10, program: "qemu", through: "arguments" })
    }),
  )

  it.effect("are out of sight below a tree that has no processes", () =>
    Effect.gen(function* () {
      for (const files of [{ "opt/kata/": "" }, { "opt/kata/": "", "proc/": "" }]) {
        const root = yield* SampleRoot.make(files)
        const users = yield* Sight.make({ layout: HostLayout.wholeRoot(root) }).usersOf(tree)
        assert.deepInclude(users, { _tag: "Unknown", how: "out-of-sight" })
      }
    }),
  )

  it.effect("are out of sight where process 1 has another root or is no init, as in a container", () =>
    Effect.gen(function* () {
      const other = yield* SampleRoot.make({})
      const firsts = [
        { ...init, root: other },
        { ...init, name: "node" },
      ]
      for (const first of firsts) {
        const users = yield* usersOf({ 1: first })
        assert.deepInclude(users, { _tag: "Unknown", how: "out-of-sight" })
      }
    }),
  )

  it.effect("are in sight in the kernel's first process namespace, whatever process 1 is", () =>
    Effect.gen(function* () {
      const pid = "pid:[4026531836]"
      const first = { exe: "/sbin/another-init", namespaces: { pid } }
      assert.deepStrictEqual(yield* usersOf({ 1: first }), Fact.known([]))
      const silent = { "proc/self": link("5"), "proc/5/ns/pid": link(pid) }
      assert.deepStrictEqual(yield* usersOf({ 1: { name: "another-init" } }, silent), Fact.known([]))
    }),
  )
})

describe("the users of a tree, seen from a pod", () => {
  const look = (first: { readonly mnt: string; readonly root: "host" | "pause" }) =>
    Effect.gen(function* () {
      const host = yield* SampleRoot.make({ "opt/kata/bin/qemu": "q" })
      const pod = yield* SampleRoot.make({})
      const root = first.root === "host" ? host : pod
      const all = {
        1: { ...init, root, namespaces: { mnt: first.mnt } },
        5: { exe: "/usr/bin/node", namespaces: { mnt: "mnt:[7]", pid: "pid:[99]" } },
        10: { exe: "/opt/kata/bin/qemu" },
      }
      SampleRoot.grow(pod, { "proc/self": link("5"), ...SampleRoot.processes(host, "proc", all) })
      const layout = { mounts: [{ host: tree, seen: `${host}/opt/kata` }] }
      return yield* Sight.make({ layout, ownProc: `${pod}/proc` }).usersOf(tree)
    })

  it.effect("are seen with hostPID: process 1 has the tree, in a mount namespace that is not ours", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(pids(yield* look({ mnt: "mnt:[1]", root: "host" })), [10])
    }),
  )

  it.effect("are out of sight without: process 1 is our own container's, which has the tree, too", () =>
    Effect.gen(function* () {
      const users = yield* look({ mnt: "mnt:[7]", root: "host" })
      assert(users._tag === "Unknown")
      assert.strictEqual(users.how, "out-of-sight")
      assert.include(users.why, "hostPID")
    }),
  )

  it.effect("are out of sight where process 1 is a pause container's, which has no tree", () =>
    Effect.gen(function* () {
      const users = yield* look({ mnt: "mnt:[3]", root: "pause" })
      assert.deepInclude(users, { _tag: "Unknown", how: "out-of-sight" })
    }),
  )
})

const isRoot = process.platform === "linux" && process.getuid?.() === 0

describe.skipIf(!isRoot)("the users of a tree on this machine (as root, on Linux)", () => {
  it.live("are seen while they run, and not after", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({})
      fs.copyFileSync("/bin/sleep", `${root}/qemu`)
      fs.chmodSync(`${root}/qemu`, 0o755)
      // Not a child of ours: those do not count.
      const child = spawn("setsid", ["--fork", `${root}/qemu`, "60"], { stdio: "ignore" })
      yield* Effect.promise(() => new Promise((resolve) => child.once("close", resolve)))
      const look = Sight.make({ layout: HostLayout.wholeRoot("/") }).usersOf(HostPath.make(root))
      const users = yield* look
      assert(users._tag === "Known")
      assert.lengthOf(users.value, 1)
      assert.deepInclude(users.value[0], { program: `${root}/qemu`, through: "program" })
      process.kill(users.value[0]!.pid, "SIGKILL")
      yield* look.pipe(Effect.repeat({ until: (seen) => seen._tag === "Known" && seen.value.length === 0 }))
    }),
  )
})
