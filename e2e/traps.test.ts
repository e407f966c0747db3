/**
 * Does the installer step around every trap in the way containerd merges files? `controls.test.ts` walks into each of them
 * on purpose and shows that the real containerd punishes it; here the program has to come through.
 */
import { parse } from "smol-toml"
import { describe, expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { onContainerd, sharedArtifacts } from "./Conditions.ts"
import { evidence, expectServed, handlersOf } from "./containerd/Evidence.ts"
import { rancher } from "./hostTree/Rancher.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"
import { expectRefused } from "./Refusal.ts"

const shims = ["qemu", "clh"]

const settingFor = (host: SampleHost): Setting => ({ host, artifacts: sharedArtifacts(), shims })

const install = async (host: SampleHost): Promise<void> => {
  const installed = await kataDeploy(settingFor(host), "install", "--once")
  expect(installed.code, told(installed)).toBe(0)
}

/** Every TOML file that the install added, by host path. */
const addedToml = async (host: SampleHost): Promise<ReadonlyArray<string>> => {
  const before = new Set((await snapshot(host.dir)).keys())
  await install(host)
  return [...(await snapshot(host.dir)).keys()].filter((path) => path.endsWith(".toml") && !before.has(path))
}

onContainerd(["1.6", "1.7"], "the k3s drop-in on 1.x, which replaces the CRI table", (release) => {
  test("repeats the rendered table, so runc, its cgroups and the CRI stay", async () => {
    await using host = await rancher("k3s", release.version)
    const before = await evidence(release, host)
    await install(host)
    const now = await evidence(release, host)
    expectServed(now, handlersOf(shims), before)
    expect(now.served["runc"]?.options["SystemdCgroup"]).toBe(true)
  })
})

onContainerd(["1.6", "1.7"], "an operator's file on 1.x", (release) => {
  test("gets one block and no import, and all of its other lines stay", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const text = await host.read(host.config)
    await install(host)
    const now = await host.read(host.config)
    expect(now).toContain("kata-qemu")
    expect(parse(now)["imports"]).toBeUndefined()
    const lines = new Set(now.split("\n"))
    expect(text.split("\n").filter((line) => !lines.has(line))).toEqual([])
  })

  test("that has a handler of our name already is refused with the table's name", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const table = `plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata-qemu`
    await host.write(
      host.config,
      `${await host.read(host.config)}\n[${table}]\n  runtime_type = "io.containerd.runc.v2"\n`,
    )
    const before = await snapshot(host.dir)
    const refused = await kataDeploy(settingFor(host), "install", "--once")
    expect(refused.code, told(refused)).toBe(3)
    expect(refused.stderr).toContain("kata-qemu")
    expect(differences(before, await snapshot(host.dir), { identity: "files" })).toEqual([])
  })
})

onContainerd(["2"], "an operator's file of schema 2 on 2.x", (release) => {
  test("gets tables of schema 2 only, so runc keeps its SystemdCgroup", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const before = await evidence(release, host)
    const added = (await addedToml(host)).filter((path) => path.includes("/containerd/"))
    expect(added).toHaveLength(1)
    const plugins = parse(await host.read(added[0]!))["plugins"] as object
    expect(Object.keys(plugins)).toEqual(["io.containerd.grpc.v1.cri"])
    const now = await evidence(release, host)
    expectServed(now, handlersOf(shims), before)
    expect(now.served["runc"]?.options["SystemdCgroup"]).toBe(true)
  })
})

describe("a version number in a drop-in", () => {
  onContainerd(["1.7", "2"], "is never written", (release) => {
    const hosts = {
      k3s: () => rancher("k3s", release.version),
      "an operator's file": () => vanilla(release.version, { schema: 2 }),
    }
    for (const [name, make] of Object.entries(hosts)) {
      test(`for ${name}`, async () => {
        await using host = await make()
        const before = await evidence(release, host)
        const added = (await addedToml(host)).filter((path) => path.includes("containerd/"))
        for (const path of added) expect(parse(await host.read(path)), path).not.toHaveProperty("version")
        expectServed(await evidence(release, host), handlersOf(shims), before)
      })
    }
  })
})

onContainerd(
  ["1.6", "1.7", "2"],
  "an operator's relative glob, which 1.6 looks up somewhere else",
  (release) => {
    test("does not take our handlers away, and keeps its own effect", async () => {
      await using host = await vanilla(release.version, {
        schema: 2,
        imports: `["conf.d/*.toml"]`,
        files: {
          "/etc/containerd/conf.d/gc.toml":
            '[plugins."io.containerd.gc.v1.scheduler"]\n  pause_threshold = 0.25\n',
        },
      })
      const untouched = await snapshot(host.dir)
      const before = await evidence(release, host)
      await install(host)
      expectServed(await evidence(release, host), handlersOf(shims), before)
      const cleaned = await kataDeploy(settingFor(host), "cleanup")
      expect(cleaned.code, told(cleaned)).toBe(0)
      expect(differences(untouched, await snapshot(host.dir))).toEqual([])
    })
  },
)

onContainerd(["1.7"], "an operator's import that holds the CRI table on 1.x", (release) => {
  test("would hide our block, so the install either serves our handlers or refuses before it writes", async () => {
    const own = `\
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.example.com/mirror/pause:3.10"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`
    await using host = await vanilla(release.version, {
      schema: 2,
      imports: `["/etc/containerd/cri.toml"]`,
      files: { "/etc/containerd/cri.toml": own },
    })
    const before = await snapshot(host.dir)
    const outcome = await kataDeploy(settingFor(host), "install", "--once")
    if (outcome.code === 0) {
      expect((await evidence(release, host)).written).toEqual([...handlersOf(shims), "runc"].sort())
    } else {
      expect(outcome.code, told(outcome)).toBe(3)
      expect(outcome.stderr).toContain("/etc/containerd/cri.toml")
      expect(differences(before, await snapshot(host.dir), { identity: "files" })).toEqual([])
    }
  })
})

onContainerd(["2"], "a main file without a version on 2.x, which counts as schema 3", (release) => {
  test("gets tables that containerd reads, so our handlers are served", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    await host.write(
      host.config,
      `[plugins.cri.containerd.runtimes.crun]\nruntime_type = "io.containerd.runc.v2"\n`,
    )
    const before = await evidence(release, host)
    expect(before.written).toEqual(["runc"])
    await install(host)
    expect((await evidence(release, host)).written).toEqual([...handlersOf(shims), "runc"].sort())
  })
})

onContainerd(["1.7"], "the operator's drop-in on k3s with 1.x, when it names the CRI table", (release) => {
  test("would take all handlers away, so the install is refused before it writes", async () => {
    await using host = await rancher("k3s", release.version)
    const source = "/etc/kata/user.toml"
    await host.write(source, `[plugins."io.containerd.grpc.v1.cri"]\n  enable_selinux = false\n`)
    const env = { CONTAINERD_USER_DROP_IN_SOURCE_FILE: host.at(source) }
    const problems = await expectRefused({ ...settingFor(host), env }, ["install", "--once"], {
      code: 3,
      says: ["zz-kata-deploy-user.toml", "kata-qemu"],
    })
    expect(new Set(problems.map((problem) => problem.code))).toEqual(new Set(["E_EFFECTIVE_CONFIG"]))
  })
})

onContainerd(["1.6", "1.7", "2"], "a node whose containerd cannot start as it is", (release) => {
  test("is refused with the file that is to blame", async () => {
    await using host = await vanilla(release.version, { schema: 2, imports: `["/etc/containerd/gone.toml"]` })
    const problems = await expectRefused(settingFor(host), ["install", "--once"], {
      code: 3,
      says: ["/etc/containerd/gone.toml", host.config],
    })
    expect(problems.map((problem) => problem.code)).toEqual(["E_CONTAINERD_CONFIG_REFUSED"])
  })
})
