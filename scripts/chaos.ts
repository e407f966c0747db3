/**
 * `npm run chaos`: kills and disturbs installs and cleanups on sample hosts of every distribution, lets the next run go
 * over what is left, and tells how many of them ended where an undisturbed life ends. Exit 1 when one did not.
 *
 *   --hosts=NAME,NAME     only these; see scripts/chaos/Hosts.ts
 *   --families=NAME,NAME  kills    the program gets SIGKILL and SIGTERM after every step that changes the tree
 *                         moments  the same signals at random moments
 *                         cuts     the engine is cut off at every call that changes the disk
 *                         faults   each of these calls fails once: ENOSPC, EIO, EROFS, EACCES
 *                         looks    each call that only looks fails once
 *   --moments=200         how many random moments, over all hosts
 *   --stride=1            only every n-th step or call
 *   --seed=1              which moments, and with which call a stride begins
 *   --jobs=2              hosts at the same time
 *
 * All of it takes hours on two cores; `--stride=20` takes minutes. Host trees are made in TMPDIR: `TMPDIR=/dev/shm` is
 * quicker than a disk.
 */
import { type ChildProcess, fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { parseArgs } from "node:util"
import { must } from "../e2e/Command.ts"
import { makeArtifacts, openArtifacts } from "../e2e/hostTree/Artifacts.ts"
import { kinds } from "./chaos/Hosts.ts"
import * as OneHost from "./chaos/OneHost.ts"

/** What a process for one host is told. */
interface Order {
  readonly kind: string
  readonly artifacts: string
  readonly program: string
  readonly release: string
  readonly extent: OneHost.Extent
}

/** Makes chaos on one kind of host and sends every result to the process that started this one. */
const obey = async ({ artifacts, extent, kind, program, release }: Order): Promise<void> => {
  const wanted = kinds.find(({ name }) => name === kind)!
  const stage = { artifacts: openArtifacts(artifacts), program, release }
  for await (const result of OneHost.live(wanted, stage, extent)) process.send?.(result)
  process.disconnect?.()
}

/** What came of the disasters of one family on one host. */
interface Figures {
  tried: number
  reached: number
  converged: number
}

const tables = new Map<string, Map<OneHost.Family, Figures>>()
let wrong = 0

const note = (host: string, result: OneHost.Result): void => {
  const table = tables.get(host) ?? new Map<OneHost.Family, Figures>()
  const figures = table.get(result.family) ?? { tried: 0, reached: 0, converged: 0 }
  figures.tried++
  if (result.reached) figures.reached++
  if (result.wrong.length === 0) figures.converged++
  tables.set(host, table.set(result.family, figures))
  if (result.wrong.length === 0) return
  wrong++
  console.error(`\n${result.disaster}\n  ${result.wrong.join("\n  ").slice(0, 2000)}`)
}

const oneHost = (order: Order): Promise<void> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = fork(import.meta.filename, [], { execArgv: ["--conditions=source"] })
    child.on("message", (result: OneHost.Result) => note(order.kind, result))
    child.on("exit", (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${order.kind}: ended with ${signal ?? code}`))
    })
    child.send(order)
  })

const list = (text: string | undefined, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  const names = text === undefined ? known : text.split(",")
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(", ")}. There are ${known.join(", ")}.`)
    process.exit(2)
  }
  return names
}

const summary = (seconds: number): string => {
  const lines = [["host", ...OneHost.families]]
  for (const [host, table] of tables)
    lines.push([
      host,
      ...OneHost.families.map((family) => {
        const figures = table.get(family)
        return figures === undefined ? "-" : `${figures.converged}/${figures.tried} (${figures.reached})`
      }),
    ])
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const total = [...tables.values()].flatMap((table) => [...table.values()])
  const sum = (of: keyof Figures) => total.reduce((all, figures) => all + figures[of], 0)
  return [
    "converged/tried (came to it)",
    ...lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")),
    `${sum("tried")} disasters, ${sum("reached")} came to it, ${sum("converged")} converged, ${Math.round(seconds)} s`,
  ].join("\n")
}

const main = async (): Promise<void> => {
  // Whoever has seen enough gets the figures so far.
  process.once("SIGINT", () => {
    console.log(summary(performance.now() / 1000))
    process.exit(130)
  })
  const { values } = parseArgs({
    options: {
      hosts: { type: "string" },
      families: { type: "string" },
      moments: { type: "string", default: "200" },
      stride: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      jobs: { type: "string", default: "2" },
    },
  })
  const hosts = list(
    values.hosts,
    kinds.map(({ name }) => name),
  )
  const families = list(values.families, OneHost.families) as ReadonlyArray<OneHost.Family>
  const [moments, stride, seed, jobs] = [values.moments, values.stride, values.seed, values.jobs].map(Number)
  const started = performance.now()
  const folder = mkdtempSync(join(tmpdir(), "kd-chaos-"))
  await using artifacts = await makeArtifacts()
  try {
    const root = join(import.meta.dirname, "..")
    // A bundle of our own: whoever builds meanwhile does not change what is being tested.
    await must(process.execPath, [join(root, "scripts/build.mjs"), "--out", join(folder, "dist")], {
      timeout: 300_000,
    })
    const program = join(folder, "dist/kata-deploy.mjs")
    const release = (await must(process.execPath, [program, "--version"])).stdout.trim().split(" ").at(-1)!
    const waiting = hosts.map((kind, at): Order => {
      const share = Math.floor(moments! / hosts.length) + (at < moments! % hosts.length ? 1 : 0)
      const extent = { families, moments: share, stride: stride!, seed: seed! + at }
      return { kind, artifacts: artifacts.dir, program, release, extent }
    })
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await oneHost(next)
        console.error(`${next.kind}: done, ${waiting.length} hosts are waiting`)
      }
    }
    await Promise.all(Array.from({ length: jobs! }, work))
  } finally {
    rmSync(folder, { recursive: true, force: true })
    console.log(summary((performance.now() - started) / 1000))
  }
  if (wrong > 0) process.exitCode = 1
}

if (process.send === undefined) await main()
else {
  process.once("disconnect", () => process.exit())
  process.once("message", (order: Order) => void obey(order))
}
