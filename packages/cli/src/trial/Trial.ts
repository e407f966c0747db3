/**
 * Answers: does the whole thing work on a node, and what does it look like? Makes a sample host and sample components
 * in a temporary directory, runs the program's own actions on them as a user would type them, and proves at the end
 * that nothing is left. Needs no cluster, no network and no root.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Architecture, Problem } from "@kata-deploy/core"
import { Effect } from "effect"
import { type Act, acts, residues } from "./Acts.ts"
import { bytes } from "../render/Prose.ts"
import type { Surroundings } from "../Surroundings.ts"
import { choose, type HostFlavour } from "./HostFlavour.ts"
import { write as writeHostTree } from "./HostTree.ts"
import { firstSignal } from "./Interruption.ts"
import * as Page from "./Page.ts"
import { packSampleComponents } from "./SampleComponents.ts"
import { TrialError } from "./TrialError.ts"
import * as TreeSnapshot from "./TreeSnapshot.ts"

/** What a trial is given. */
export interface TrialOptions {
  /** Value of `--distribution`; `undefined`: k3s. */
  readonly distribution: string | undefined
  /** Value of `--containerd`; `undefined`: 2.1. */
  readonly containerd: string | undefined
  /** Value of `--shims`; `undefined`: three that share most components. */
  readonly shims: string | undefined
  /** Whether the temporary directory stays for looking at (`--keep`). */
  readonly afterwards: "remove" | "keep"
  /**
   * Runs one command line of this program in this process and answers its exit status. It should see no settings
   * but those in the command line: the caller's environment is none of the sample host's business.
   */
  readonly runAction: (argv: ReadonlyArray<string>) => Promise<number>
  /** Where the show is written to. */
  readonly page: Page.Page
  /** Listens for SIGINT and SIGTERM. */
  readonly onInterrupt: Surroundings["onInterrupt"]
  /** Architecture of this machine, as `uname -m` names it. */
  readonly architecture: Architecture.Architecture
  /** Packs the components; `undefined`: programs of this machine. */
  readonly packComponents?: typeof packSampleComponents
  /** Where the temporary directory is made; `undefined`: where the system wants it. */
  readonly temporary?: string | undefined
}

/** Shims of a trial that names none. */
export const defaultShims = "qemu clh qemu-runtime-rs"

/** The temporary directory and what is going on in it. */
interface Stage {
  readonly directory: string
  readonly host: string
  readonly artifacts: string
  /** The action that is running; waited for before the directory is removed. */
  running: Promise<unknown>
}

/** The longest time, in milliseconds, that an interrupted action is waited for. */
const patience = 5_000

const attempt = <A>(doing: string, run: () => Promise<A>): Effect.Effect<A, TrialError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new TrialError({ doing, cause }) })

const openStage = (options: TrialOptions): Effect.Effect<Stage, TrialError> =>
  attempt("making a temporary directory", async () => {
    const directory = await mkdtemp(join(options.temporary ?? tmpdir(), "kata-deploy-try-"))
    const stage = { directory, host: join(directory, "host"), artifacts: join(directory, "artifacts") }
    await mkdir(stage.host)
    await mkdir(stage.artifacts)
    return { ...stage, running: Promise.resolve() }
  })

const closeStage = (stage: Stage, options: TrialOptions): Effect.Effect<void> =>
  Effect.promise(async () => {
    await Promise.race([stage.running, new Promise((resume) => setTimeout(resume, patience).unref())])
    // An action that did not end in time may still be writing, hence the retries.
    if (options.afterwards === "remove")
      await rm(stage.directory, { recursive: true, force: true, maxRetries: 5 })
  })

const globalFlags = (stage: Stage, flavour: HostFlavour, options: TrialOptions): ReadonlyArray<string> =>
  Object.entries({
    "host-root": stage.host,
    artifacts: stage.artifacts,
    kube: "none",
    systemd: "none",
    shims: options.shims ?? defaultShims,
    "container-runtime-version": flavour.reported,
  }).flatMap(([name, value]) => [`--${name}`, value])

const prepare = Effect.fnUntraced(function* (stage: Stage, flavour: HostFlavour, options: TrialOptions) {
  yield* writeHostTree(stage.host, flavour)
  const before = yield* TreeSnapshot.take(stage.host)
  const started = performance.now()
  const pack = options.packComponents ?? packSampleComponents
  const sample = yield* pack(stage.artifacts, options.architecture)
  const { files } = TreeSnapshot.extent(before)
  const { distribution, reported } = flavour
  const { components, packed, unpacked } = sample
  Page.facts(options.page, [
    ["directory", stage.directory],
    ["host", `${files} files, as on a ${distribution} node with ${reported.replace("://", " ")}`],
    [
      "artifacts",
      `${components.length} component archives, ${bytes(packed)} (${bytes(unpacked)} unpacked), ` +
        `made in ${Page.seconds(performance.now() - started)}`,
    ],
  ])
  Page.gap(options.page)
  Page.paragraph(options.page, "The archives hold programs of this machine under the names of Kata's files.")
  return before
})

/** Where one act finds the host and what it is held against. */
interface Moment {
  /** The host before anything happened. */
  readonly first: TreeSnapshot.TreeSnapshot
  /** The host before this act. */
  readonly previous: TreeSnapshot.TreeSnapshot
}

/** What differs although it should not. Residues do not count. */
const unexpected = (act: Act, { first, previous }: Moment, after: TreeSnapshot.TreeSnapshot) => {
  if (act.compare === "not compared") return []
  const before = act.compare === "as it was at first" ? first : previous
  return TreeSnapshot.compare(before, after).filter((difference) => !residues.has(difference.path))
}

const perform = Effect.fnUntraced(function* (
  act: Act,
  argv: ReadonlyArray<string>,
  stage: Stage,
  moment: Moment,
  runAction: TrialOptions["runAction"],
) {
  const started = performance.now()
  const status = yield* attempt(`running ${act.words.join(" ")}`, () => {
    const running = runAction(argv)
    // Only waited for when the show ends early; what it answers is looked at below.
    stage.running = running.catch(() => undefined)
    return running
  })
  const took = Page.seconds(performance.now() - started)
  const after = yield* TreeSnapshot.take(stage.host)
  const against = TreeSnapshot.format(unexpected(act, moment, after))
  const extent = TreeSnapshot.extent(after)
  const complaint = status === 0 ? [] : [`${act.words.join(" ")} ended with exit status ${status}`]
  const finding: Page.Verdict = {
    claim: act.claim,
    measured: `${took}, ${extent.files} files with ${bytes(extent.bytes)}${act.compare === "not compared" ? "" : " compared"}`,
    verdict: status === 0 && against.length === 0 ? "held" : "failed",
    against: [...complaint, ...against],
  }
  return { after, finding }
})

const summary = (page: Page.Page, findings: ReadonlyArray<Page.Verdict>): number => {
  const failed = findings.some((finding) => finding.verdict === "failed")
  Page.heading(page, failed ? "What went wrong" : "What this has shown")
  for (const finding of findings) Page.verdict(page, finding)
  Page.gap(page)
  return failed ? 1 : 0
}

/** Says what becomes of the temporary directory, and how to go on in it where it stays. */
const farewell = (
  stage: Stage,
  flags: ReadonlyArray<string>,
  { afterwards, page }: TrialOptions,
  took: string,
) => {
  if (afterwards === "remove") {
    Page.paragraph(page, `${took} in all. ${stage.directory} is removed; --keep leaves it for looking at.`)
    return
  }
  Page.paragraph(page, `${took} in all. ${stage.directory} is left as it is. To go on by yourself:`)
  Page.gap(page)
  Page.command(page, ["kata-deploy", ...flags], ["install", "--once"])
}

const show = Effect.fnUntraced(function* (stage: Stage, flavour: HostFlavour, options: TrialOptions) {
  const { page } = options
  const started = performance.now()
  Page.title(
    page,
    `kata-deploy try: plan, install, status and cleanup on a sample ${flavour.distribution} node`,
  )
  Page.gap(page)
  const first = yield* prepare(stage, flavour, options)
  const flags = globalFlags(stage, flavour, options)
  const findings: Array<Page.Verdict> = []
  let previous = first
  for (const [index, act] of acts.entries()) {
    Page.heading(page, `${index + 1}/${acts.length} ${act.title}`)
    Page.paragraph(page, act.why)
    Page.gap(page)
    Page.command(page, ["kata-deploy", ...(index === 0 ? flags : ["…"])], act.words)
    if (index === 1) Page.paragraph(page, "(… stands for the flags above.)")
    Page.gap(page)
    const argv = [...flags, ...act.words]
    const { after, finding } = yield* perform(act, argv, stage, { first, previous }, options.runAction)
    findings.push(finding)
    if (finding.verdict === "failed") break
    previous = after
  }
  const status = summary(page, findings)
  farewell(stage, flags, options, Page.seconds(performance.now() - started))
  return status
})

/**
 * Runs the show and answers the exit status: 0 only if every act ended with 0 and every comparison held, 1 if not,
 * 130 or 143 after SIGINT or SIGTERM. Fails without having touched anything when there is no such sample host.
 */
export const run = Effect.fnUntraced(function* (
  options: TrialOptions,
): Effect.fn.Return<number, Problem.SettingsError | TrialError> {
  const flavour = yield* Effect.fromResult(choose(options))
  return yield* Effect.scoped(
    Effect.gen(function* () {
      // First in, last out: a signal must not keep the directory from being removed.
      const stopped = yield* firstSignal(options.onInterrupt, (name) => {
        Page.gap(options.page)
        const fate = options.afterwards === "keep" ? "stays" : "is removed"
        Page.paragraph(options.page, `${name}: stopping. The temporary directory ${fate}.`)
      })
      const stage = yield* Effect.acquireRelease(openStage(options), (opened) => closeStage(opened, options))
      return yield* Effect.raceFirst(show(stage, flavour, options), stopped)
    }),
  )
})
