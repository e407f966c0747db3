/**
 * Answers: what does an undisturbed life on a host look like, and how is one lived again from any point on? Holds the
 * trees that everything is compared with, and runs the engine in this process and the program in one of its own.
 */
import { cpSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import { HostLayout, Policies, Run, Settings } from "@kata-deploy/core"
import { NodeHostFiles } from "@kata-deploy/filesystem"
import { NodeHostShell } from "@kata-deploy/host"
import { WithoutApi } from "@kata-deploy/kubernetes"
import { Effect, Exit, Layer, Logger, Result } from "effect"
import { run as runProgram, type Outcome } from "../../e2e/Command.ts"
import { kataArchitecture, type Artifacts } from "../../e2e/hostTree/Artifacts.ts"
import type { SampleHost } from "../../e2e/hostTree/SampleHost.ts"
import { differences, snapshot, type TreeSnapshot } from "../../e2e/hostTree/TreeSnapshot.ts"
import type { HostKind } from "./Hosts.ts"
import type { Orders } from "./Sabotage.ts"

/** What is done to a host. */
export type Action = "install" | "cleanup"

/** What all arenas share. */
export interface Stage {
  readonly artifacts: Artifacts
  /** The bundle's entry. */
  readonly program: string
  /** Version that the bundle says it has. */
  readonly release: string
}

/** A host with the trees of an undisturbed life. */
export interface Arena extends AsyncDisposable {
  readonly name: string
  readonly stage: Stage
  readonly host: SampleHost
  readonly original: TreeSnapshot
  /** After an install. */
  readonly installed: TreeSnapshot
  /** After the first stage of an install. */
  readonly unpacked: TreeSnapshot
  /** A directory with a tree before the action: fresh for an install, installed for a cleanup. */
  readonly before: (action: Action) => string
}

const shims = "qemu qemu-runtime-rs"
const shimsVariable = `SHIMS_${kataArchitecture.toUpperCase()}`

const requestOf = (
  { host, stage }: Pick<Arena, "host" | "stage">,
  action: Run.Request["action"],
): Run.Request => ({
  action,
  settings: Result.getOrThrow(
    Settings.decode({
      architecture: kataArchitecture as "x86_64",
      variables: { ...host.settings, [shimsVariable]: shims },
      customConfigs: { _tag: "Files", files: new Map() },
      api: "not-used",
    }),
  ),
  release: stage.release,
  stateDir: undefined,
  criRuntime: host.criRuntime === "" ? undefined : host.criRuntime,
  userDropIn: undefined,
  // On a sample host no runtime answers who uses the tree.
  conduct: { whenInUse: "force" },
})

/** Runs the engine in this process on a tree. */
export const live = (
  arena: Pick<Arena, "host" | "stage">,
  root: string,
  action: Run.Request["action"],
): Promise<Exit.Exit<unknown, Run.RunError>> => {
  const layout = HostLayout.wholeRoot(root)
  const layer = Layer.mergeAll(
    NodeHostFiles.layer({ layout, artifacts: arena.stage.artifacts.dir }),
    NodeHostShell.layer({ layout, systemd: "none" }),
    WithoutApi.layer,
    Policies.layer,
    Logger.layer([]),
  )
  return Effect.runPromiseExit(Effect.provide(Run.run(requestOf(arena, action)), layer))
}

/** Runs the program in a process of its own, under orders. */
export const program = (
  arena: Arena,
  root: string,
  action: Action,
  orders?: Orders,
  log?: string,
): Promise<Outcome> =>
  runProgram(
    process.execPath,
    [
      ...(orders === undefined ? [] : ["--import", join(import.meta.dirname, "Sabotage.ts")]),
      arena.stage.program,
      `--host-root=${root}`,
      `--artifacts=${arena.stage.artifacts.dir}`,
      "--kube=none",
      "--systemd=none",
      ...(arena.host.criRuntime === "" ? [] : [`--cri-runtime=${arena.host.criRuntime}`]),
      action,
      action === "install" ? "--once" : "--when-in-use=force",
    ],
    {
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: "/nonexistent",
        ...arena.host.settings,
        [shimsVariable]: shims,
        ...(orders === undefined ? {} : { CHAOS: JSON.stringify(orders) }),
        ...(log === undefined ? {} : { CHAOS_LOG: log }),
      },
      timeout: 120_000,
    },
  )

/** Books of the runs: what they say of a disturbed life may differ; what is on the host may not. */
const books = [
  "/run/lock/kata-deploy.lock",
  "/opt/kata/.kata-deploy/ledger.json",
  "/opt/kata/.kata-deploy/journal/",
]

/** How a tree differs from the installed one. */
export const fromInstalled = async ({ installed }: Arena, root: string): Promise<ReadonlyArray<string>> =>
  differences(installed, await snapshot(root), { ignore: books })

/** How a tree differs from the original one; only what decisions §3 names may be left. */
export const fromOriginal = async ({ original }: Arena, root: string): Promise<ReadonlyArray<string>> =>
  differences(original, await snapshot(root))

/** Whether a tree is one in which an install may end: as it was, with the first stage done, or with both. */
export const isClean = async (arena: Arena, root: string): Promise<boolean> => {
  const now = await snapshot(root)
  return (
    differences(arena.original, now).length === 0 ||
    differences(arena.unpacked, now, { ignore: books }).length === 0 ||
    differences(arena.installed, now, { ignore: books }).length === 0
  )
}

let copies = 0

/** Gives a copy of a tree to `use`, and removes it afterwards. */
export const withCopy = async <A>(of: string, use: (root: string) => Promise<A>): Promise<A> => {
  const root = `${of}.${++copies}`
  cpSync(of, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  try {
    return await use(root)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const must = async (arena: Pick<Arena, "host" | "stage">, root: string, action: Run.Request["action"]) => {
  const exit = await live(arena, root, action)
  if (Exit.isFailure(exit))
    throw new Error(`${arena.host.name}: an undisturbed ${action} fails: ${String(exit.cause)}`)
}

/** Lives an undisturbed life on a host of this kind. */
export const open = async (kind: HostKind, stage: Stage): Promise<Arena> => {
  const host = await kind.make()
  const original = await snapshot(host.dir)
  const installedDir = `${host.dir}.installed`
  cpSync(host.dir, installedDir, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  await must({ host, stage }, installedDir, "install")
  const unpacked = await withCopy(host.dir, async (root) => {
    await must({ host, stage }, root, "install-stage-artifacts")
    return snapshot(root)
  })
  const installed = await snapshot(installedDir)
  await withCopy(installedDir, async (root) => {
    await must({ host, stage }, root, "cleanup")
    const left = differences(original, await snapshot(root))
    if (left.length > 0) throw new Error(`${host.name}: an undisturbed cleanup leaves\n${left.join("\n")}`)
  })
  return {
    name: kind.name,
    stage,
    host,
    original,
    installed,
    unpacked,
    before: (action) => (action === "install" ? host.dir : installedDir),
    [Symbol.asyncDispose]: async () => {
      await rm(installedDir, { recursive: true, force: true })
      await host[Symbol.asyncDispose]()
    },
  }
}
