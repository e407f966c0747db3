/**
 * Does an install on a host that runs end in exactly our handlers after one real restart, and a cleanup in the same host,
 * while containers go on? From a pod with nothing of the host but its mounts, from beside it and from outside.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { told } from "../cli.ts"
import { type Outcome } from "../Command.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { onHosts } from "./Hosts.ts"
import * as Program from "./Program.ts"

const { beside, outside, pod } = Program

/** A pod's mount of it is made by the kubelet and stays. */
const installDir = { there: [pod], made: [beside, outside] }

await onHosts(
  "the life of an install",
  (host) => {
    for (const way of [...installDir.there, ...installDir.made])
      describe(`from ${way.name}`, () => {
        const kataDeploy = (...args: ReadonlyArray<string>): Promise<Outcome> =>
          Program.kataDeploy(host(), way, { args })
        let untouched: TreeSnapshot
        let before: { readonly pid: number; readonly handlers: ReadonlyArray<string> }
        let after: { readonly pid: number; readonly tree: TreeSnapshot }
        let container: number | undefined

        beforeAll(async () => {
          if (installDir.there.includes(way)) await host().mustExec(["mkdir", "-p", "/opt/kata"])
          else await host().mustExec(["sh", "-c", "[ ! -e /opt/kata ] || rmdir /opt/kata"])
          await Program.startContainer(host(), "before")
          container = await Program.containerPid(host(), "before")
          untouched = await Program.trees(host())
          before = { pid: await Program.mainPid(host()), handlers: await Program.loaded(host()) }
        })
        afterAll(async () => {
          for (const name of ["before", "between"]) await Program.removeContainer(host(), name)
        })

        test("containerd is started anew and has exactly our handlers beside its own", async () => {
          const installed = await kataDeploy("install", "--once")
          expect(installed.code, told(installed)).toBe(0)
          after = { pid: await Program.mainPid(host()), tree: await Program.trees(host()) }
          expect(after.pid).not.toBe(before.pid)
          expect(await Program.loaded(host())).toEqual([...before.handlers, ...Program.handlers].sort())
        })

        test("a container that ran goes on, and a new one can be started", async () => {
          expect(container).toBeDefined()
          expect(await Program.containerPid(host(), "before")).toBe(container)
          await Program.startContainer(host(), "between")
          expect(await Program.containerPid(host(), "between")).toBeDefined()
        })

        test("status finds nothing wrong, and sees what is served", async () => {
          const outcome = await kataDeploy("--output=json", "status")
          expect(outcome.code, told(outcome)).toBe(0)
          const { instances } = JSON.parse(outcome.stdout) as { readonly instances: ReadonlyArray<unknown> }
          expect(instances).toMatchObject([
            {
              handlers: { written: Program.handlers, served: [...Program.handlers].sort() },
              drift: [],
              restartDue: false,
              journal: null,
            },
          ])
        })

        test("a second install restarts and writes nothing, and sees the handlers served", async () => {
          const again = await kataDeploy("install", "--once")
          expect(again.code, told(again)).toBe(0)
          expect(again.stdout).toContain("Nothing had to be changed.")
          expect(again.stdout).toContain("Served by the node: all of them")
          expect(await Program.mainPid(host())).toBe(after.pid)
          expect(differences(after.tree, await Program.trees(host()), { identity: "files" })).toEqual([])
        })

        test("a cleanup leaves the host as it was, with containerd running as before", async () => {
          const cleaned = await kataDeploy("cleanup")
          expect(cleaned.code, told(cleaned)).toBe(0)
          expect(differences(untouched, await Program.trees(host()))).toEqual([])
          expect(await Program.isActive(host())).toBe(true)
          expect(await Program.mainPid(host())).not.toBe(after.pid)
          expect(await Program.loaded(host())).toEqual(before.handlers)
          expect(await Program.containerPid(host(), "before")).toBe(container)
        })
      })
  },
  { folders: [inject("artifactsFolder")] },
)
