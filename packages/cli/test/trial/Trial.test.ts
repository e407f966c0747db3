import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { plain } from "../../src/render/Paint.ts"
import type { Surroundings } from "../../src/Surroundings.ts"
import { packSampleComponents } from "../../src/trial/SampleComponents.ts"
import * as Trial from "../../src/trial/Trial.ts"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

type Action = (action: string, host: string) => number | Promise<number>

/** A program that installs one file and removes it again, as well as anybody can. */
const obedient: Action = (action, host) => {
  if (action === "install --once") {
    mkdirSync(join(host, "opt/kata/bin"), { recursive: true })
    writeFileSync(join(host, "opt/kata/bin/shim"), "shim")
    writeFileSync(join(host, "run/lock/kata-deploy.lock"), "")
  }
  if (action === "cleanup") rmSync(join(host, "opt/kata"), { recursive: true })
  return 0
}

/** Components are packed in one test only; the others need none. */
const packNothing = () => Effect.succeed({ components: [], packed: 0, unpacked: 0 })

const perform = async (action: Action, more: Partial<Trial.TrialOptions> = {}) => {
  const temporary = temporaryDirectory()
  const written: Array<string> = []
  const calls: Array<ReadonlyArray<string>> = []
  const status = await Effect.runPromise(
    Trial.run({
      distribution: undefined,
      containerd: undefined,
      shims: undefined,
      afterwards: "remove",
      temporary,
      page: { write: (text) => void written.push(text), columns: 80, paint: plain },
      runAction: async (argv) => {
        calls.push(argv)
        const words = argv.slice(argv.indexOf("--container-runtime-version") + 2).join(" ")
        return await action(words, argv[argv.indexOf("--host-root") + 1]!)
      },
      onInterrupt: () => () => undefined,
      architecture: "x86_64",
      packComponents: packNothing,
      ...more,
    }),
  )
  return { status, text: written.join(""), calls, left: readdirSync(temporary), temporary }
}

describe("the show", () => {
  it("succeeds when every action does what it promises, and leaves nothing", async () => {
    const { calls, left, status, text } = await perform(obedient)
    expect(status).toBe(0)
    expect(left).toEqual([])
    expect(text).toContain("What this has shown")
    expect(text.match(/✓/g)).toHaveLength(5)
    const flags = calls[0]!.slice(0, -2)
    expect(flags.join(" ")).toMatch(
      /^--host-root \S+\/host --artifacts \S+\/artifacts --kube none --systemd none --shims qemu clh qemu-runtime-rs --container-runtime-version containerd:\/\/2\.1\.5-k3s1$/,
    )
    expect(calls.map((argv) => argv.slice(flags.length).join(" "))).toEqual([
      "plan install",
      "install --once",
      "status --verify",
      "install --once",
      "cleanup",
    ])
    for (const argv of calls) expect(argv.slice(0, flags.length)).toEqual(flags)
  })

  it("gives the actions archives and the tree of the distribution that was asked for", async () => {
    const seen: Array<boolean> = []
    const look: Action = (action, host) => {
      seen.push(existsSync(join(host, "etc/k0s/containerd.toml")))
      seen.push(existsSync(join(host, "../artifacts/shim-components.json")))
      return obedient(action, host)
    }
    const { calls, status } = await perform(look, {
      distribution: "k0s",
      containerd: "1.7",
      shims: "fc",
      packComponents: packSampleComponents,
    })
    expect(status).toBe(0)
    expect(new Set(seen)).toEqual(new Set([true]))
    expect(calls[0]).toContain("containerd://1.7.27")
    expect(calls[0]).toContain("fc")
  })

  it("stops with 1 at the first action that fails", async () => {
    const { calls, left, status, text } = await perform((action, host) =>
      action === "install --once" ? 3 : obedient(action, host),
    )
    expect(status).toBe(1)
    expect(calls).toHaveLength(2)
    expect(text).toContain("install --once ended with exit status 3")
    expect(left).toEqual([])
  })

  it("stops with 1 when a plan has touched the host", async () => {
    const { calls, status, text } = await perform((action, host) => {
      if (action === "plan install") writeFileSync(join(host, "etc/hostname"), "changed\n")
      return 0
    })
    expect(status).toBe(1)
    expect(calls).toHaveLength(1)
    expect(text).toContain("etc/hostname: bytes differ")
  })

  it("stops with 1 when a second install changes something", async () => {
    let installs = 0
    const { status, text } = await perform((action, host) => {
      if (action === "install --once") writeFileSync(join(host, "opt/count"), String((installs += 1)))
      return 0
    })
    expect(status).toBe(1)
    expect(text).toContain("✗ A second install changes not a single byte.")
    expect(text).toContain("opt/count: bytes differ")
  })

  it("ends with 1 when cleanup leaves something, and names it", async () => {
    const { status, text } = await perform((action, host) =>
      action === "cleanup" ? 0 : obedient(action, host),
    )
    expect(status).toBe(1)
    expect(text).toContain("opt/kata/bin/shim: a file that was not there")
    expect(text).not.toContain("kata-deploy.lock: a file")
  })

  it("leaves the tree with --keep, and says where and how to go on", async () => {
    const { left, status, temporary, text } = await perform(obedient, { afterwards: "keep" })
    expect(status).toBe(0)
    expect(left).toHaveLength(1)
    expect(readdirSync(join(temporary, left[0]!)).sort()).toEqual(["artifacts", "host"])
    expect(text.replace(/\s+/g, " ")).toContain(`${join(temporary, left[0]!)} is left as it is.`)
    expect(text.trimEnd()).toMatch(/install --once$/)
  })

  it("waits for the action, removes the directory and answers 130 after SIGINT", async () => {
    const listeners = new Set<(signal: "SIGINT" | "SIGTERM") => void>()
    const onInterrupt: Surroundings["onInterrupt"] = (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
    let ended = "no"
    const interrupted: Action = async (action, host) => {
      if (action !== "install --once") return 0
      // npx passes on what the terminal has already sent.
      for (const signal of ["SIGINT", "SIGINT"] as const) listeners.forEach((listener) => listener(signal))
      await new Promise((resume) => setTimeout(resume, 50))
      ended = existsSync(host) ? "with its host in place" : "without a host"
      return 1
    }
    const { left, status, text } = await perform(interrupted, { onInterrupt })
    expect(status).toBe(130)
    expect(ended).toBe("with its host in place")
    expect(text.match(/SIGINT: stopping\./g)).toHaveLength(1)
    expect(left).toEqual([])
    expect(listeners.size).toBe(0)
  })

  it("fails before anything is made when there is no such host", async () => {
    const temporary = temporaryDirectory()
    const error = await Effect.runPromise(
      Effect.flip(
        Trial.run({
          distribution: "k3s",
          containerd: "1.6",
          shims: undefined,
          afterwards: "remove",
          temporary,
          page: { write: () => undefined, columns: 80, paint: plain },
          onInterrupt: () => () => undefined,
          architecture: "x86_64",
          runAction: () => Promise.resolve(0),
        }),
      ),
    )
    expect(error).toMatchObject({ _tag: "SettingsError", problems: [{ code: "E_TRIAL_COMBINATION" }] })
    expect(readdirSync(temporary)).toEqual([])
  })

  it("removes the directory when an action breaks", async () => {
    const temporary = temporaryDirectory()
    const failing = perform(() => Promise.reject(new Error("a bug")), { temporary })
    await expect(failing).rejects.toThrow("running plan install: a bug")
    expect(readdirSync(temporary)).toEqual([])
  })
})
