/**
 * Does what the design does instead of walking into the traps really work? Each way of adding a handler is done here by
 * hand, without the program, and judged with the same evidence as the program's work. So a red test elsewhere is the
 * program's fault, not that of containerd or of these tests.
 */
import { parse, stringify } from "smol-toml"
import { expect, test } from "vitest"
import { onContainerd } from "./Conditions.ts"
import { evidence, expectServed } from "./containerd/Evidence.ts"
import { rancher } from "./hostTree/Rancher.ts"
import { vanilla } from "./hostTree/Vanilla.ts"

type Table = { [key: string]: unknown }

const cri2 = "io.containerd.grpc.v1.cri"

const handler = {
  runtime_type: "io.containerd.kata-by-hand.v2",
  runtime_path: "/opt/kata/bin/containerd-shim-kata-v2",
  options: { ConfigPath: "/opt/kata/configuration.toml" },
}

/** A handler's tables as text to put after, or beside, an operator's file. */
const tables = (family: string): string =>
  stringify({ plugins: { [family]: { containerd: { runtimes: { "kata-by-hand": handler } } } } })

onContainerd(["1.6", "1.7"], "a block at the end of the main file", (release) => {
  test("adds a handler and nothing else", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const before = await evidence(release, host)
    await host.write(host.config, (await host.read(host.config)) + tables(cri2))
    const now = await evidence(release, host)
    expectServed(now, ["kata-by-hand"], before)
    expect(now.served["kata-by-hand"]?.runtimePath).toBe(handler.runtime_path)
    expect(now.served["kata-by-hand"]?.options["ConfigPath"]).toBe(handler.options.ConfigPath)
  })
})

onContainerd(["1.6", "1.7"], "a block below a main file that names no handler", (release) => {
  test("has to name runc as well, whose built-in entry is gone with the first table", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    await host.write(host.config, "version = 2\n")
    const before = await evidence(release, host)
    const runc = `[plugins."${cri2}".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n`
    await host.write(host.config, `version = 2\n${tables(cri2)}${runc}`)
    const now = await evidence(release, host)
    expect(Object.keys(now.served).sort()).toEqual(["kata-by-hand", "runc"])
    expect(now.served["runc"]?.runtimeType).toBe(before.served["runc"]?.runtimeType)
    expect(now.served["runc"]?.options["SystemdCgroup"] ?? false).toBe(
      before.served["runc"]?.options["SystemdCgroup"] ?? false,
    )
  })
})

onContainerd(["1.6", "1.7"], "a k3s drop-in that repeats the rendered CRI table", (release) => {
  test("adds a handler and nothing else", async () => {
    await using host = await rancher("k3s", release.version)
    const before = await evidence(release, host)
    const root = parse(await host.read(host.config)) as { plugins: Record<string, Table> }
    const cri = root.plugins[cri2] as { containerd: { runtimes: Table } }
    cri.containerd.runtimes["kata-by-hand"] = handler
    await host.write(`${host.dropIns}/by-hand.toml`, stringify({ plugins: { [cri2]: cri } }))
    expectServed(await evidence(release, host), ["kata-by-hand"], before)
  })
})

onContainerd(["2"], "an imported drop-in of the root's schema", (release) => {
  for (const [schema, family] of [
    [2, cri2],
    [3, "io.containerd.cri.v1.runtime"],
  ] as const) {
    test(`adds a handler and nothing else to schema ${schema}`, async () => {
      const path = "/opt/by-hand/drop-in.toml"
      await using host = await vanilla(release.version, { schema })
      const before = await evidence(release, host)
      await host.write(path, tables(family))
      const text = await host.read(host.config)
      await host.write(host.config, text.replace(/^version = \d$/m, `$&\nimports = ["${path}"]`))
      expectServed(await evidence(release, host), ["kata-by-hand"], before)
    })
  }
})
