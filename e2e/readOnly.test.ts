/**
 * Do the actions that only look really change nothing, and do they see what is there? `plan` before and after, `status` on
 * a node where somebody touched our files.
 */
import { appendFile, rm } from "node:fs/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { sharedArtifacts } from "./Conditions.ts"
import { rancher } from "./hostTree/Rancher.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"

const hosts: Readonly<Record<string, () => Promise<SampleHost>>> = {
  "an operator's file on 1.7": () => vanilla("1.7.24", { schema: 2 }),
  "an operator's file on 2.1": () => vanilla("2.1.9", { schema: 3 }),
  "k3s on 2.1": () => rancher("k3s", "2.1.9"),
}

interface Step {
  readonly action: { readonly kind: string; readonly path?: string }
  readonly because: string
  readonly changes: boolean
}

interface Plan {
  readonly kind: string
  readonly schemaVersion: number
  readonly stages: ReadonlyArray<{ readonly stage: string; readonly steps: ReadonlyArray<Step> }>
  readonly restarts: ReadonlyArray<string>
}

for (const [name, make] of Object.entries(hosts)) {
  describe(`plan on ${name}`, () => {
    let host: SampleHost
    let setting: Setting
    beforeAll(async () => {
      host = await make()
      setting = {
        host,
        artifacts: sharedArtifacts(),
        shims: ["qemu", "clh"],
        env: { AGENT_HTTPS_PROXY: "http://user:s3cr3t@proxy.example.com:3128" },
      }
    })
    afterAll(() => host?.[Symbol.asyncDispose]())

    for (const action of ["install", "cleanup", "install-stage-artifacts", "install-stage-cri"]) {
      test(`${action} touches nothing, not even a folder's time`, async () => {
        const before = await snapshot(host.dir)
        for (const format of ["text", "json"]) {
          const plan = await kataDeploy(setting, `--output=${format}`, "plan", action)
          expect(plan.code, told(plan)).toBe(0)
          expect(plan.stdout).not.toBe("")
        }
        const strict = { identity: "everything", ignore: [] } as const
        expect(differences(before, await snapshot(host.dir), strict)).toEqual([])
      })
    }

    test("shows what would change, why, and on which paths of the host", async () => {
      const asked = await kataDeploy(setting, "--output=json", "plan", "install")
      const plan = JSON.parse(asked.stdout) as Plan
      expect(plan).toMatchObject({ kind: "plan", schemaVersion: 1 })
      const steps = plan.stages.flatMap(({ steps }) => steps)
      expect(steps.some(({ changes }) => changes)).toBe(true)
      for (const { because, action } of steps) {
        expect(because).not.toBe("")
        if (action.path !== undefined) expect(action.path).not.toContain(host.dir)
      }
      expect(asked.stdout).not.toContain("s3cr3t")
    })

    test("tells by exit code 10 that there is something to do", async () => {
      const plan = await kataDeploy(setting, "plan", "install", "--detailed-exitcode")
      expect(plan.code, told(plan)).toBe(10)
    })

    test("prints a diff without colours for a pipe, and no secret", async () => {
      const plan = await kataDeploy(setting, "plan", "install")
      expect(plan.stdout).toMatch(/^ *\+.*runtimes.*kata-qemu/m)
      expect(plan.stdout + plan.stderr).not.toContain("\u001b")
      expect(plan.stdout + plan.stderr).not.toContain("s3cr3t")
    })
  })
}

describe("status", () => {
  const install = async (host: SampleHost): Promise<Setting> => {
    const setting: Setting = { host, artifacts: sharedArtifacts(), shims: ["qemu"] }
    const installed = await kataDeploy(setting, "install", "--once")
    expect(installed.code, told(installed)).toBe(0)
    return setting
  }

  test("on a node without an install finds nothing, and nothing wrong", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    const status = await kataDeploy({ host, artifacts: sharedArtifacts() }, "--output=json", "status")
    expect(status.code, told(status)).toBe(0)
    expect(JSON.parse(status.stdout)).toMatchObject({ kind: "status", instances: [] })
  })

  test("names a file of ours that somebody changed, with exit code 4, and touches nothing", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    const setting = await install(host)
    const path = "/opt/kata/containerd/config.d/kata-deploy.toml"
    await appendFile(host.at(path), "# changed by hand\n")
    const before = await snapshot(host.dir)
    const status = await kataDeploy(setting, "status")
    expect(status.code, told(status)).toBe(4)
    expect(status.stdout).toContain(path)
    expect(differences(before, await snapshot(host.dir), { identity: "everything", ignore: [] })).toEqual([])
  })

  test("names a file of ours that is gone, and the next install brings it back", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    const setting = await install(host)
    const installed = await snapshot(host.dir)
    const path = "/opt/kata/bin/containerd-shim-kata-v2"
    await rm(host.at(path))
    const status = await kataDeploy(setting, "status", "--verify")
    expect(status.code, told(status)).toBe(4)
    expect(status.stdout).toContain(path)
    await install(host)
    // The record has the times of files that were unpacked again.
    const ignore = ["/opt/kata/.kata-deploy/ledger.json"]
    expect(differences(installed, await snapshot(host.dir), { ignore })).toEqual([])
  })

  test("sees an import of ours that somebody took out of the main file", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    const untouched = await host.read(host.config)
    const setting = await install(host)
    expect(await host.read(host.config)).not.toBe(untouched)
    await host.write(host.config, untouched, 0o640)
    const status = await kataDeploy(setting, "status")
    expect(status.code, told(status)).toBe(4)
    expect(status.stdout).toContain(host.config)
  })
})

describe("cleanup", () => {
  test("on a node without an install changes nothing and succeeds", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    const before = await snapshot(host.dir)
    const cleaned = await kataDeploy({ host, artifacts: sharedArtifacts(), shims: ["qemu"] }, "cleanup")
    expect(cleaned.code, told(cleaned)).toBe(0)
    expect(differences(before, await snapshot(host.dir), { identity: "files" })).toEqual([])
  })

  test("keeps what an administrator added to the main file meanwhile", async () => {
    for (const [version, schema] of [
      ["1.7.24", 2],
      ["2.1.9", 3],
    ] as const) {
      await using host = await vanilla(version, { schema })
      const setting: Setting = { host, artifacts: sharedArtifacts(), shims: ["qemu"] }
      const text = await host.read(host.config)
      const installed = await kataDeploy(setting, "install", "--once")
      expect(installed.code, told(installed)).toBe(0)
      expect(await host.read(host.config)).not.toBe(text)
      const added = "\n[metrics]\n  address = '127.0.0.1:1338'\n"
      await appendFile(host.at(host.config), added)
      const cleaned = await kataDeploy(setting, "cleanup")
      expect(cleaned.code, told(cleaned)).toBe(0)
      expect(await host.read(host.config)).toBe(text + added)
    }
  })
})
