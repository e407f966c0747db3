/**
 * What happens when the node or the artifacts are not what they should be? Exit code 3 before the first write where that
 * can be known, 1 where it turns out later, and in both cases the tree that was there before.
 */
import { copyFile, readdir, rm, truncate, writeFile } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { sharedArtifacts } from "./Conditions.ts"
import { must } from "./Command.ts"
import { copyArtifacts, packComponent } from "./hostTree/Artifacts.ts"
import { rancher } from "./hostTree/Rancher.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"
import { expectReadable, expectRefused } from "./Refusal.ts"

const install = ["install", "--once"]

const on = (host: SampleHost, change: Partial<Setting> = {}): Setting => ({
  host,
  artifacts: sharedArtifacts(),
  shims: ["qemu", "clh"],
  ...change,
})

describe("a node that is something else than declared", () => {
  test("is refused with what was declared, what was found and what to set", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await expectRefused(on(host, { env: { K8S_DISTRIBUTION: "k3s" } }), install, {
      code: 3,
      says: ["K8S_DISTRIBUTION", "k3s", "containerd", "k8s"],
    })
  })

  test("with a containerd whose version nobody can read is refused, not guessed", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await expectRefused(on(host, { env: { CONTAINER_RUNTIME_VERSION: "containerd://next" } }), install, {
      code: 3,
      says: ["CONTAINER_RUNTIME_VERSION", "containerd://next"],
    })
  })
})

describe("a k3s whose rendered file", () => {
  for (const [version, folder] of [
    ["1.7.24", "config.toml.d"],
    ["2.1.9", "config-v3.toml.d"],
  ] as const) {
    test(`imports no ${folder} is refused with the file and the folder to import`, async () => {
      await using host = await rancher("k3s", version, { importsDropIns: false })
      await expectRefused(on(host), install, { code: 3, says: [host.config, folder] })
    })
  }

  test("only mentions the import in a comment is refused too", async () => {
    await using host = await rancher("k3s", "2.1.9")
    const text = await host.read(host.config)
    await host.write(host.config, text.replace(/^imports/m, "#imports"))
    await expectRefused(on(host), install, { code: 3, says: [host.config, "config-v3.toml.d"] })
  })

  test("is not there yet is refused with its path", async () => {
    await using host = await rancher("k3s", "2.1.9")
    await rm(host.at(host.config))
    await expectRefused(on(host), install, { code: 3, says: [host.config] })
  })
})

describe("a main configuration", () => {
  const broken: Readonly<Record<string, string | Uint8Array>> = {
    "that is not TOML": "version = 3\n[plugins\n",
    "that is not text": Uint8Array.of(0x76, 0xff, 0xfe, 0x00, 0x0a),
    "that says the same table twice": "version = 3\n[grpc]\n[grpc]\n",
  }
  for (const [what, bytes] of Object.entries(broken)) {
    test(`${what} is refused by name`, async () => {
      await using host = await vanilla("2.1.9", { schema: 3 })
      await writeFile(host.at(host.config), bytes)
      await expectRefused(on(host), install, { code: 3, says: [host.config] })
    })
  }

  test("that is not TOML is not edited on 1.x either", async () => {
    await using host = await vanilla("1.7.24", { schema: 2 })
    await writeFile(host.at(host.config), "version = 2\nimports = [\n")
    await expectRefused(on(host), install, { code: 3, says: [host.config] })
  })
})

describe("artifacts", () => {
  test("of which some are missing: all of those are named", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await using artifacts = await copyArtifacts(sharedArtifacts())
    await rm(artifacts.archive("virtiofsd"))
    await rm(artifacts.archive("kernel"))
    await expectRefused(on(host, { artifacts }), install, {
      code: 3,
      says: ["kata-static-virtiofsd.tar.zst", "kata-static-kernel.tar.zst"],
    })
  })

  test("whose manifest is not JSON", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await using artifacts = await copyArtifacts(sharedArtifacts())
    await writeFile(`${artifacts.dir}/shim-components.json`, '{"shims": ')
    await expectRefused(on(host, { artifacts }), install, { code: 3, says: ["shim-components.json"] })
  })

  test("that are not there at all", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await using artifacts = await copyArtifacts(sharedArtifacts())
    await rm(artifacts.dir, { recursive: true })
    await expectRefused(on(host, { artifacts }), install, { code: 3, says: [artifacts.dir] })
  })

  // The archive with the configurations is read while observing, the other only while writing.
  for (const component of ["shim-v2-go", "rootfs-image"]) {
    test(`of which ${component} ends in the middle: undone`, async () => {
      await using host = await vanilla("2.1.9", { schema: 3 })
      await using artifacts = await copyArtifacts(sharedArtifacts())
      await truncate(artifacts.archive(component), 20_000)
      const problems = await expectRefused(on(host, { artifacts }), install, {
        code: 1,
        says: [`kata-static-${component}.tar.zst`],
      })
      expect(problems.some(({ message }) => message.includes(component))).toBe(true)
    })
  }

  test("that are not what checksums.sha256 lists: the plan says so already", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await using artifacts = await copyArtifacts(sharedArtifacts())
    const names = (await readdir(`${artifacts.dir}/tarballs`)).map((name) => `tarballs/${name}`)
    const { stdout } = await must("sha256sum", names, { cwd: artifacts.dir })
    await writeFile(
      `${artifacts.dir}/checksums.sha256`,
      stdout.replace(/^.{8}(.*static-virtiofsd)/m, "00000000$1"),
    )
    for (const args of [["plan"], install])
      await expectRefused(on(host, { artifacts }), args, {
        code: 1,
        says: ["kata-static-virtiofsd.tar.zst", /checksums\.sha256\s+says/, /artifacts\s+verify/],
      })
  })

  test("that were exchanged since their plan was reviewed: nothing is touched", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await using artifacts = await copyArtifacts(sharedArtifacts())
    const plan = await kataDeploy(on(host, { artifacts }), "--output=json", "plan", "install")
    expect(plan.code, told(plan)).toBe(0)
    const file = `${artifacts.dir}/plan.json`
    await writeFile(file, plan.stdout)
    await packComponent(artifacts, "virtiofsd", { "libexec/virtiofsd": { text: "another\n", mode: 0o755 } })
    const before = await snapshot(host.dir)
    const outcome = await kataDeploy(on(host, { artifacts }), ...install, `--plan=${file}`)
    expectReadable(outcome, { code: 4, says: [/The\s+archive\s+of\s+virtiofsd\s+is\s+another\s+one/] })
    expect(differences(before, await snapshot(host.dir), { identity: "files" })).toEqual([])
  })

  test("that would replace a file of somebody else: refused as the plan would", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await host.write("/opt/kata/libexec/virtiofsd", "theirs\n")
    const problems = await expectRefused(on(host), install, {
      code: 3,
      says: ["/opt/kata/libexec/virtiofsd", /Move\s+away/],
    })
    expect(problems.map(({ code }) => code)).toEqual(["E_PATH_TAKEN"])
  })

  test("of which one is no archive at all: undone", async () => {
    await using host = await vanilla("1.7.24", { schema: 2 })
    await using artifacts = await copyArtifacts(sharedArtifacts())
    await copyFile(`${artifacts.dir}/versions.yaml`, artifacts.archive("qemu"))
    await expectRefused(on(host, { artifacts }), install, { code: 1, says: ["kata-static-qemu.tar.zst"] })
  })
})

describe("a link on the host that leads out of the tree", () => {
  test("never takes a write with it", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await using elsewhere = await vanilla("2.1.9", { schema: 3 })
    // Relative, so that it also leaves a tree whose absolute links are understood as the host's own.
    await host.link("/opt/kata", `${"../".repeat(12)}${elsewhere.at("/opt").slice(1)}`)
    const before = await snapshot(host.dir)
    const there = await snapshot(elsewhere.dir)
    const outcome = await kataDeploy(on(host), ...install)
    expect(differences(there, await snapshot(elsewhere.dir), { identity: "everything" })).toEqual([])
    if (outcome.code === 0) expect(await host.read(host.config)).toContain("kata-deploy")
    else expect(differences(before, await snapshot(host.dir)), told(outcome)).toEqual([])
  })
})
