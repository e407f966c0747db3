/**
 * Whose processes are seen by a program in the namespaces of a machine, of a pod, of a node that is a container itself?
 * The namespaces are the kernel's own, made with `unshare`; the pod's layout shows nothing but the tree.
 */
import type { Fact, HostSight } from "@kata-deploy/core"
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "vitest"
import { must } from "./Command.ts"
import { asRoot } from "./Conditions.ts"

type Users = Fact.Fact<ReadonlyArray<HostSight.TreeUser>>

/** A folder with a tree whose program `qemu` sleeps, and beside it a shell under two names; it goes at the end. */
const withTree = async (body: (root: string, tree: string) => Promise<void>): Promise<void> => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "kata-deploy-users-")))
  const tree = join(root, "tree")
  try {
    await mkdir(tree)
    for (const [program, at] of [
      ["/bin/sleep", join(tree, "qemu")],
      ["/bin/sh", join(root, "init")],
      ["/bin/sh", join(root, "anything")],
    ] as const) {
      await copyFile(await realpath(program), at)
      await chmod(at, 0o755)
    }
    await body(root, tree)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** Ends every process that runs a program. */
const endAll = (program: string): Promise<unknown> => {
  const script = 'for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" != "$1" ] || kill -9 "${p#/proc/}"; done'
  return must("sh", ["-c", script, "sh", program])
}

/** Programs that use the tree, or how it is unknown, by a program of ours that `command` starts. */
const seen = async (
  whose: "machine" | "pod",
  tree: string,
  command: ReadonlyArray<string>,
): Promise<ReadonlyArray<string> | string> => {
  const at = JSON.stringify(tree)
  const layout =
    whose === "machine" ? `HostLayout.wholeRoot("/")` : `{ mounts: [{ host: ${at}, seen: ${at} }] }`
  const script = `
    import { HostLayout } from "@kata-deploy/core"
    import { Sight } from "@kata-deploy/host"
    import { Effect } from "effect"
    const sight = Sight.make({ layout: ${layout} })
    console.log(JSON.stringify(await Effect.runPromise(sight.usersOf(${at}))))`
  const node = [process.execPath, "--conditions=source", "--input-type=module", "--eval", script]
  const [program, ...args] = [...command, ...node]
  const cwd = join(import.meta.dirname, "..", "packages", "cli")
  const users = JSON.parse((await must(program!, args, { cwd })).stdout) as Users
  return users._tag === "Known" ? users.value.map((user) => user.program) : users.how
}

/** A process namespace of its own with its own `/proc`, as a pod has it without hostPID. */
const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]

/** A machine of its own process namespace: its first process is a shell of this name, and `qemu` runs in it. */
const within = (root: string, first: string): ReadonlyArray<string> => [
  ...container,
  join(root, first),
  "-c",
  `${root}/tree/qemu 60 & "$@"; exit $?`,
  "sh",
]

/** Another mount namespace, in which everything is where it was. */
const apart = ["unshare", "--mount"]

asRoot("processes of the machine are seen by it and by a pod with hostPID, and by no other container", () =>
  withTree(async (_, tree) => {
    // Not a child of ours: those do not count. It ends by itself before long, should this process die.
    await must("sh", ["-c", `setsid --fork "$1" 60 </dev/null >/dev/null 2>&1`, "sh", join(tree, "qemu")])
    try {
      const qemu = [join(tree, "qemu")]
      expect(await seen("machine", tree, [])).toEqual(qemu)
      expect(await seen("pod", tree, apart)).toEqual(qemu)
      expect(await seen("machine", tree, container)).toBe("out-of-sight")
      expect(await seen("pod", tree, container)).toBe("out-of-sight")
    } finally {
      await endAll(join(tree, "qemu"))
    }
  }),
)

asRoot("processes of a node that is a container itself are seen by it and by its pods with hostPID", () =>
  withTree(async (root, tree) => {
    const qemu = [join(tree, "qemu")]
    expect(await seen("machine", tree, within(root, "init"))).toEqual(qemu)
    expect(await seen("pod", tree, [...within(root, "init"), ...apart])).toEqual(qemu)
  }),
)

asRoot(
  "what may be any container is taken for one: no init in front, or the mount namespace of process 1",
  () =>
    withTree(async (root, tree) => {
      expect(await seen("machine", tree, within(root, "anything"))).toBe("out-of-sight")
      expect(await seen("pod", tree, within(root, "init"))).toBe("out-of-sight")
    }),
)
