import { assert, describe, it } from "@effect/vitest"
import { ErofsPrerequisites, Fact, FileState, HostLayout, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import zlib from "node:zlib"
import * as MachineFacts from "../../src/sight/MachineFacts.ts"
import * as SampleRoot from "./SampleRoot.ts"

const machineOf = (tree: SampleRoot.Tree) =>
  Effect.map(SampleRoot.make(tree), (root) => MachineFacts.look(HostLayout.wholeRoot(root)))

const live: SampleRoot.Tree = { "dev/null": "", "sys/class/misc/loop-control/": "", "sys/fs/cgroup/": "" }

describe("the facts of a machine", () => {
  it.effect("of a tree that is no running machine are unknown, never this machine's own", () =>
    Effect.gen(function* () {
      const machine = yield* machineOf({ "dev/": "", "proc/": "", "sys/": "", "usr/bin/": "" })
      for (const fact of [machine.kvm, machine.vhostVsock, machine.mshv, machine.selinux])
        assert.deepInclude(fact, { _tag: "Unknown", how: "out-of-sight" })
      assert.deepStrictEqual(machine.kernel, {
        sysModules: undefined,
        procModules: undefined,
        procConfig: undefined,
        bootConfig: undefined,
      })
      assert.strictEqual(machine.machineId._tag, "Absent")
      assert.strictEqual(machine.mkfsErofs._tag, "Absent")
    }),
  )

  it.effect("have the devices that /dev shows, and no others where the kernel's list is there, too", () =>
    Effect.gen(function* () {
      const machine = yield* machineOf({ ...live, "dev/kvm": "", "dev/vhost-vsock": "" })
      assert.deepStrictEqual(machine.kvm, Fact.known(true))
      assert.deepStrictEqual(machine.vhostVsock, Fact.known(true))
      assert.deepStrictEqual(machine.mshv, Fact.known(false))
    }),
  )

  it.effect("take a device from the kernel's list where /dev is a container's", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({ "sys/class/misc/kvm/": "" })
      const sys = HostPath.make("/sys/class/misc")
      const machine = MachineFacts.look({ mounts: [{ host: sys, seen: `${root}/sys/class/misc` }] })
      assert.deepStrictEqual(machine.kvm, Fact.known(true))
      assert.deepStrictEqual(machine.mshv, Fact.known(false))
      // Its driver comes when the node is first opened, so the list proves nothing.
      assert.deepInclude(machine.vhostVsock, { _tag: "Unknown", how: "out-of-sight" })
    }),
  )

  it.effect("in the pod that shows neither are unknown", () =>
    Effect.gen(function* () {
      const machine = MachineFacts.look({ mounts: [] })
      assert.deepInclude(machine.kvm, { _tag: "Unknown", how: "out-of-sight" })
      assert.deepInclude(machine.selinux, { _tag: "Unknown", how: "out-of-sight" })
      assert.deepInclude(machine.machineId, { _tag: "Unreadable", why: "out-of-sight" })
      assert.strictEqual(machine.mkfsErofs._tag, "Unknown")
    }),
  )

  it.effect("say what SELinux does", () =>
    Effect.gen(function* () {
      const selinux = (tree: SampleRoot.Tree) => Effect.map(machineOf(tree), (machine) => machine.selinux)
      const enforce = "sys/fs/selinux/enforce"
      assert.deepStrictEqual(yield* selinux({ [enforce]: "1" }), Fact.known("enforcing"))
      assert.deepStrictEqual(yield* selinux({ [enforce]: "0\n" }), Fact.known("permissive"))
      assert.deepStrictEqual(yield* selinux(live), Fact.known("disabled"))
      const hidden = yield* selinux({ "sys/fs/selinux/": "" })
      assert.deepInclude(hidden, { _tag: "Unknown", how: "out-of-sight" })
    }),
  )

  it.effect("hold four witnesses of the kernel", () =>
    Effect.gen(function* () {
      const { kernel } = yield* machineOf({
        "sys/module/erofs/": "",
        "sys/module/loop/": "",
        "proc/modules": "loop 1 0\n",
        "proc/config.gz": zlib.gzipSync("CONFIG_EROFS_FS=y\n"),
        "proc/sys/kernel/osrelease": "6.1.0-x\n",
        "boot/config-6.1.0-x": "CONFIG_DM_VERITY=m\n",
      })
      assert.deepStrictEqual(kernel, {
        sysModules: ["erofs", "loop"],
        procModules: "loop 1 0\n",
        procConfig: "CONFIG_EROFS_FS=y\n",
        bootConfig: "CONFIG_DM_VERITY=m\n",
      })
      assert.strictEqual(ErofsPrerequisites.kernelFeature("dm-verity", kernel), "loadable")
    }),
  )

  it.effect("go on without a list of options that is damaged", () =>
    Effect.gen(function* () {
      const { kernel } = yield* machineOf({ "proc/config.gz": "no gzip", "proc/modules": "" })
      assert.isUndefined(kernel.procConfig)
      assert.strictEqual(kernel.procModules, "")
    }),
  )

  it.effect(
    "find mkfs.erofs in the first program directory that has it, behind links, and search its bytes",
    () =>
      Effect.gen(function* () {
        const program = Buffer.concat([Buffer.alloc(256 * 1024 - 3), Buffer.from("\0sort\0mkfs-time\0")])
        const machine = yield* machineOf({
          "usr/bin/mkfs.erofs/": "",
          "usr/sbin/mkfs.erofs": new SampleRoot.LinkTo("/etc/alternatives/mkfs.erofs"),
          "etc/alternatives/mkfs.erofs": new SampleRoot.LinkTo("../../opt/erofs/mkfs.erofs"),
          "opt/erofs/mkfs.erofs": program,
          "sbin/mkfs.erofs": "old",
        })
        assert.deepStrictEqual(machine.mkfsErofs, {
          _tag: "Found",
          path: "/usr/sbin/mkfs.erofs",
          missingOptions: [],
        })
        const old = yield* machineOf({ "sbin/mkfs.erofs": "qsort\0" })
        assert.deepStrictEqual(old.mkfsErofs, {
          _tag: "Found",
          path: "/sbin/mkfs.erofs",
          missingOptions: ["mkfs-time", "sort"],
        })
      }),
  )

  it.effect("do not take mkfs.erofs for absent where a directory is not mounted", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({ "bin/": "" })
      const layout = { mounts: [{ host: HostPath.make("/usr/bin"), seen: `${root}/bin` }] }
      const { mkfsErofs } = MachineFacts.look(layout)
      assert(mkfsErofs._tag === "Unknown")
      assert.include(mkfsErofs.why, "/usr/local/sbin/mkfs.erofs: it is not mounted here")
      assert.notInclude(mkfsErofs.why, "/usr/bin/mkfs.erofs")
    }),
  )

  it.effect("have the machine's id as it is in its file", () =>
    Effect.gen(function* () {
      const machine = yield* machineOf({ "etc/machine-id": "abc\n" })
      assert.strictEqual(FileState.textOf(machine.machineId), "abc\n")
    }),
  )

  it("of this machine are what the kernel says", () => {
    if (process.platform !== "linux") return
    const machine = MachineFacts.look(HostLayout.wholeRoot("/"))
    if (fs.existsSync("/proc/modules")) assert.include(machine.kernel.procModules, "\n")
    else assert.isUndefined(machine.kernel.procModules)
    assert.deepStrictEqual(machine.kernel.sysModules, fs.readdirSync("/sys/module").sort())
    if (fs.existsSync("/dev/kvm")) assert.deepStrictEqual(machine.kvm, Fact.known(true))
  })
})
