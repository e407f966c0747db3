/**
 * Does an install on an operator's own containerd end in exactly the handlers that were asked for, and a cleanup in the
 * very same node? Judged by the real containerd of each line, and by every byte of the host tree.
 */
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { parse } from "smol-toml"
import { afterAll, beforeAll, expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import type { Outcome } from "./Command.ts"
import { onContainerd, sharedArtifacts, type Line } from "./Conditions.ts"
import { evidence, expectServed, handlersOf, type Evidence } from "./containerd/Evidence.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { differences, snapshot, type TreeSnapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla, type Schema } from "./hostTree/Vanilla.ts"

const shims = ["qemu", "clh", "qemu-runtime-rs"]

const cases: ReadonlyArray<{ readonly line: Line; readonly schema: Schema }> = [
  { line: "1.6", schema: 2 },
  { line: "1.7", schema: 2 },
  // What Debian ships with 2.x too, and what an upgraded node has.
  { line: "2", schema: 2 },
  { line: "2", schema: 3 },
  { line: "2.2", schema: 3 },
  { line: "2.3+", schema: 2 },
  { line: "2.3+", schema: 3 },
]

for (const { line, schema } of cases) {
  onContainerd([line], `install on an operator's file of schema ${schema}`, (release) => {
    let host: SampleHost
    let setting: Setting
    let untouched: TreeSnapshot
    let before: Evidence
    let installed: Outcome
    let after: TreeSnapshot

    beforeAll(async () => {
      host = await vanilla(release.version, { schema })
      setting = { host, artifacts: sharedArtifacts(), shims }
      untouched = await snapshot(host.dir)
      before = await evidence(release, host)
      installed = await kataDeploy(setting, "install", "--once")
      after = await snapshot(host.dir)
    })
    afterAll(() => host?.[Symbol.asyncDispose]())

    test("succeeds and says that the restart is left to somebody else", () => {
      expect(installed.code, told(installed)).toBe(0)
      expect(installed.stdout + installed.stderr).toMatch(/restart/i)
    })

    test("containerd has the handlers asked for, and all of the operator's settings", async () => {
      const now = await evidence(release, host)
      expectServed(now, handlersOf(shims), before)
      expect(now.served["runc"]?.options["SystemdCgroup"]).toBe(true)
    })

    test("every handler names a shim that can be run and a configuration that can be read", async () => {
      const { served } = await evidence(release, host)
      for (const handler of handlersOf(shims)) {
        const { runtimeType, runtimePath, options, podAnnotations } = served[handler]!
        expect(runtimeType).toBe(`io.containerd.${handler}.v2`)
        expect(podAnnotations).toEqual(["io.katacontainers.*"])
        await access(host.at(runtimePath), constants.X_OK)
        const configuration = parse(await host.read(String(options["ConfigPath"])))
        expect(Object.keys(configuration["hypervisor"] as object), handler).toHaveLength(1)
      }
      expect(served["kata-qemu"]?.runtimePath).toBe("/opt/kata/bin/containerd-shim-kata-v2")
      expect(served["kata-qemu-runtime-rs"]?.runtimePath).toBe(
        "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2",
      )
    })

    test("status finds nothing wrong and names every handler", async () => {
      const status = await kataDeploy(setting, "--output=json", "status")
      expect(status.code, told(status)).toBe(0)
      const document = JSON.parse(status.stdout) as {
        kind: string
        instances: ReadonlyArray<{
          handlers: { written: ReadonlyArray<string> }
          drift: ReadonlyArray<unknown>
        }>
      }
      expect(document.kind).toBe("status")
      expect(document.instances).toHaveLength(1)
      expect([...document.instances[0]!.handlers.written].sort()).toEqual([...handlersOf(shims)].sort())
      expect(document.instances[0]!.drift).toEqual([])
    })

    test("a second plan has nothing to change, and a second install writes no file again", async () => {
      const plan = await kataDeploy(setting, "plan", "install", "--detailed-exitcode")
      expect(plan.code, told(plan)).toBe(0)
      const again = await kataDeploy(setting, "install", "--once")
      expect(again.code, told(again)).toBe(0)
      expect(differences(after, await snapshot(host.dir), { identity: "files" })).toEqual([])
    })

    test("cleanup leaves the node as it was, byte for byte", async () => {
      const cleaned = await kataDeploy(setting, "cleanup")
      expect(cleaned.code, told(cleaned)).toBe(0)
      expect(differences(untouched, await snapshot(host.dir))).toEqual([])
      expectServed(await evidence(release, host), [], before)
    })
  })
}
