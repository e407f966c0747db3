/**
 * Answers: does the whole thing work on a node, and what does it look like? Makes a sample host and sample components
 * in a temporary directory, runs the program's own actions on them as a user would type them, and proves at the end
 * that nothing is left. Needs no cluster, no network and no root.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { Architecture, type Problem } from "@kata-deploy/core"
import { Effect } from "effect"
import { type Act, acts, residues } from "./Acts.ts"
import { choose, type HostFlavour } from "./HostFlavour.ts"
import { write as writeHostTree } from "./HostTree.ts"
import { untilSignal } from "./Interruption.ts"
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
  /** Runs one command line of this program in this process and answers its exit status. */
  readonly runAction: (argv: ReadonlyArray<string>) => Promise<number>
  /** Where the show is written to. */
  readonly page: Page.Page
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

/** What was found out, in the order of the acts. */
interface Finding {
  readonly claim: string
  readonly verdict: "held" | "failed"
  readonly against: ReadonlyArray<string>
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

const prepare = Effect.fnUntraced(function* (stage: Stage, flavour: HostFlavour, page: Page.Page) {
  yield* writeHostTree(stage.host, flavour)
  const before = yield* TreeSnapshot.take(stage.host)
  const started = performance.now()
  const sample = yield* packSampleComponents(stage.artifacts, Architecture.fromNodeName(process.arch))
  const { files } = TreeSnapshot.extent(before)
  Page.facts(page, [
    ["in", stage.directory],
    [
      "host/",
      `${files} files as an operator of ${flavour.distribution} with ${flavour.reported} would have them`,
    ],
    [
      "artifacts/",
      `${sample.components.length} component archives, ${Page.bytes(sample.packed)} packed, ` +
        `${Page.bytes(sample.unpacked)} unpacked, made in ${Page.seconds(performance.now() - started)}`,
    ],
    [
      "",
      "Programs of this machine stand for Kata's: names and sizes are like the real ones, contents are not.",
    ],
  ])
  return before
})

/** What the host is held against: residues are not counted. */
const unexpected = (before: TreeSnapshot.TreeSnapshot, after: TreeSnapshot.TreeSnapshot) =>
  TreeSnapshot.compare(before, after).filter((difference) => !residues.has(difference.path))

const perform = Effect.fnUntraced(function* (
  act: Act,
  stage: Stage,
  argv: ReadonlyArray<string>,
  first: TreeSnapshot.TreeSnapshot,
  previous: TreeSnapshot.TreeSnapshot,
  runAction: TrialOptions["runAction"],
) {
  const status = yield* attempt(`running ${act.words.join(" ")}`, () => {
    const running = runAction(argv)
    // Only waited for; what it answers is looked at below.
    stage.running = running.catch(() => undefined)
    return running
  })
  const after = yield* TreeSnapshot.take(stage.host)
  const against =
    act.compare === "not compared"
      ? []
      : TreeSnapshot.format(unexpected(act.compare === "as it was at first" ? first : previous, after))
  const complaint = status === 0 ? [] : [`"${act.words.join(" ")}" ended with exit status ${status}`]
  const finding: Finding = {
    claim: act.claim,
    verdict: status === 0 && against.length === 0 ? "held" : "failed",
    against: [...complaint, ...against],
  }
  return { after, finding }
})

const summary = (
  page: Page.Page,
  findings: ReadonlyArray<Finding>,
  started: number,
  stage: Stage,
  afterwards: TrialOptions["afterwards"],
): number => {
  const failed = findings.filter((finding) => finding.verdict === "failed").length
  Page.heading(page, failed === 0 ? "What this has shown" : "What went wrong")
  for (const finding of findings) Page.verdict(page, finding.claim, finding.verdict, finding.against)
  Page.gap(page)
  const where =
    afterwards === "keep"
      ? `Everything is left in ${stage.directory}.`
      : failed === 0
        ? "The temporary directory is gone; --keep would have left it."
        : "The temporary directory is gone; run it again with --keep to look at it."
  Page.paragraph(page, `${Page.seconds(performance.now() - started)}. ${where}`)
  return failed === 0 ? 0 : 1
}

const show = Effect.fnUntraced(function* (stage: Stage, flavour: HostFlavour, options: TrialOptions) {
  const { page } = options
  const started = performance.now()
  Page.title(
    page,
    `kata-deploy try: a whole life of an installation on a sample ${flavour.distribution} node`,
  )
  const first = yield* prepare(stage, flavour, page)
  const flags = globalFlags(stage, flavour, options)
  const findings: Array<Finding> = []
  let previous = first
  for (const [index, act] of acts.entries()) {
    Page.heading(page, `${index + 1}/${acts.length} ${act.title}`)
    Page.paragraph(page, act.why)
    Page.gap(page)
    Page.command(page, ["kata-deploy", ...(index === 0 ? flags : ["…"]), ...act.words])
    if (index === 1) Page.paragraph(page, "(… stands for the flags above.)")
    Page.gap(page)
    const { after, finding } = yield* perform(
      act,
      stage,
      [...flags, ...act.words],
      first,
      previous,
      options.runAction,
    )
    findings.push(finding)
    if (finding.verdict === "failed") break
    previous = after
  }
  return summary(page, findings, started, stage, options.afterwards)
})

/**
 * Runs the show and answers the exit status: 0 only if every act ended with 0 and every comparison held, 1 if not,
 * 130 or 143 after SIGINT or SIGTERM. Fails without having touched anything when there is no such sample host.
 */
export const run = Effect.fnUntraced(function* (
  options: TrialOptions,
): Effect.fn.Return<number, Problem.SettingsError | TrialError> {
  const flavour = yield* Effect.fromResult(choose(options))
  return yield* Effect.acquireUseRelease(
    openStage(options),
    (stage) =>
      Effect.raceFirst(
        show(stage, flavour, options),
        untilSignal((name) => {
          Page.gap(options.page)
          Page.paragraph(options.page, `${name}: stopping.`)
        }),
      ),
    (stage) => closeStage(stage, options),
  )
})
