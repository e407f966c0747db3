/**
 * Can these tests fail at all? Each trap that the design avoids is walked into here on purpose, with drop-ins written by
 * hand, and the real containerd has to punish it. If one of these no longer holds, a rule of the design has lost its reason
 * and the test that relies on it proves nothing.
 */
import { parse } from "smol-toml"
import { describe, expect, test } from "vitest"
import { onContainerd } from "./Conditions.ts"
import { configDump, startAndAsk, type Started } from "./containerd/Daemon.ts"
import { evidence } from "./containerd/Evidence.ts"
import type { Release } from "./containerd/Releases.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla, type Schema } from "./hostTree/Vanilla.ts"

const dropIn = "/opt/by-hand/drop-in.toml"

const family = { 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime" } as const

const handlerTable = (schema: Schema): string => `\
[plugins."${family[schema]}".containerd.runtimes.kata-by-hand]
runtime_type = "io.containerd.kata-by-hand.v2"
`

/** A node whose main file imports a drop-in that was written by hand. */
const withDropIn = (release: Release, schema: Schema, text: string): Promise<SampleHost> =>
  vanilla(release.version, { schema, imports: `["${dropIn}"]`, files: { [dropIn]: text } })

const ask = (release: Release, host: SampleHost): Promise<Started> => startAndAsk({ release, tree: host.dir })

const served = (started: Started): ReadonlyArray<string> | string =>
  started.up ? (started.loaded ? Object.keys(started.handlers).sort() : "no CRI") : "not started"

onContainerd(["1.6", "1.7", "2"], "the harness", (release) => {
  test("reads an untouched node: the operator's handlers, and runc with systemd cgroups", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const before = await snapshot(host.dir)
    const found = await evidence(release, host)
    expect(found.written).toEqual(["crun", "runc"])
    expect(Object.keys(found.served).sort()).toEqual(["crun", "runc"])
    expect(found.served["runc"]?.options["SystemdCgroup"]).toBe(true)
    expect(differences(before, await snapshot(host.dir), { identity: "everything" })).toEqual([])
  })

  test("sees a daemon that refuses to start, with its reason", async () => {
    await using host = await withDropIn(release, 2, "version = \n")
    const started = await ask(release, host)
    expect(started).toMatchObject({ up: false, code: 1 })
    expect(started.log).toMatch(/toml/i)
  })

  test("an import of a file that is not there stops the daemon", async () => {
    await using host = await vanilla(release.version, { schema: 2, imports: `["/opt/gone.toml"]` })
    expect(served(await ask(release, host))).toBe("not started")
  })

  test("a glob takes hidden files, so a half-written one must never lie in an imported folder", async () => {
    await using host = await vanilla(release.version, {
      schema: 2,
      imports: `["/opt/by-hand/*.toml"]`,
      files: { "/opt/by-hand/.half-written.toml": "[debug]\n  level = \n" },
    })
    expect(served(await ask(release, host))).toBe("not started")
  })
})

onContainerd(["1"], "a drop-in that names the CRI table", (release) => {
  test("replaces the whole table: runc is gone and the CRI does not load, while the daemon is up", async () => {
    await using host = await withDropIn(release, 2, handlerTable(2))
    expect(served(await ask(release, host))).toBe("no CRI")
  })
})

onContainerd(["1"], "a handler in a main file that names no other", (release) => {
  test("takes the built-in runc away, and the CRI does not load", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    await host.write(host.config, `version = 2\n`)
    expect(served(await ask(release, host))).toEqual(["runc"])
    await host.write(host.config, `version = 2\n${handlerTable(2)}`)
    expect(served(await ask(release, host))).toBe("no CRI")
  })
})

onContainerd(["2"], "a handler in a main file that names no other", (release) => {
  test("stands beside the built-in runc", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    await host.write(host.config, `version = 2\n${handlerTable(2)}`)
    expect(served(await ask(release, host))).toEqual(["kata-by-hand", "runc"])
  })
})

onContainerd(["2"], "a drop-in that names the CRI table", (release) => {
  for (const schema of [2, 3] as const) {
    test(`is merged into a root of schema ${schema}`, async () => {
      await using host = await withDropIn(release, schema, handlerTable(schema))
      const found = await evidence(release, host)
      expect(found.written).toEqual(["crun", "kata-by-hand", "runc"])
      expect(found.served["runc"]?.options["SystemdCgroup"]).toBe(true)
    })
  }

  test("in the newer family than the root's costs runc its SystemdCgroup", async () => {
    await using host = await withDropIn(release, 2, handlerTable(3))
    const started = await ask(release, host)
    const handlers = started.up && started.loaded ? started.handlers : {}
    expect(handlers["runc"]?.options["SystemdCgroup"]).not.toBe(true)
  })

  test("in the older family than the root's is silently absent", async () => {
    await using host = await withDropIn(release, 3, handlerTable(2))
    expect(served(await ask(release, host))).toEqual(["crun", "runc"])
  })
})

onContainerd(["1.7"], "a drop-in with `version = 3` below a root of schema 2", (release) => {
  test("stops the daemon", async () => {
    await using host = await withDropIn(release, 2, `version = 3\n`)
    const started = await ask(release, host)
    expect(served(started)).toBe("not started")
    expect(started.log).toContain("unsupported config version")
  })
})

onContainerd(["2"], "a drop-in with `version = 3` below a root of schema 2", (release) => {
  test("loses the operator's CRI settings, or stops the daemon", async () => {
    await using host = await withDropIn(release, 2, `version = 3\n`)
    const started = await ask(release, host)
    // 2.0 to 2.2 go on without them, 2.3 refuses; nobody keeps them.
    const kept = started.up && started.loaded && started.handlers["runc"]?.options["SystemdCgroup"] === true
    expect(kept).toBe(false)
  })
})

describe("a relative glob in imports", () => {
  const pause = async (release: Release): Promise<unknown> => {
    await using host = await vanilla(release.version, {
      schema: 2,
      imports: `["conf.d/*.toml"]`,
      files: {
        "/etc/containerd/conf.d/gc.toml":
          '[plugins."io.containerd.gc.v1.scheduler"]\n  pause_threshold = 0.25\n',
      },
    })
    const dump = await configDump({ release, tree: host.dir })
    const parsed = parse(dump.stdout) as { plugins: Record<string, Record<string, unknown>> }
    return parsed.plugins["io.containerd.gc.v1.scheduler"]?.["pause_threshold"]
  }

  onContainerd(["1.6"], "is looked up in the working folder", (release) => {
    test("so it matches nothing", async () => expect(await pause(release)).toBe(0.05))
  })
  onContainerd(["1.7", "2"], "is looked up beside the file", (release) => {
    test("so it matches", async () => expect(await pause(release)).toBe(0.25))
  })
})
