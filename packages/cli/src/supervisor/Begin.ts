/**
 * Answers: how does the real process become a supervisor? Everything that tests replace is taken from the process here.
 * The signals are listened to first of all: process 1 does not even get those that nobody listens to.
 */
import { fs } from "./Builtins.ts"
import type { Program } from "./Child.ts"
import * as CommandLine from "./CommandLine.ts"
import type { Errand, StopSignal } from "./Life.ts"
import * as Lean from "./Lean.ts"
import * as Log from "./Log.ts"
import { supervise } from "./Supervisor.ts"

/** Keeps the process alive while it waits without a health server. */
const forEver = 2 ** 30

const readSettingsFile = (argv: ReadonlyArray<string>): string | undefined => {
  const path = CommandLine.flagText(argv, "config")?.trim() ?? ""
  try {
    // What is no file can be read only once, and that is for the installer to do.
    const stat = path === "" ? undefined : fs.statSync(path)
    return stat?.isFile() && stat.size <= CommandLine.settingsFileBytes
      ? fs.readFileSync(path, "utf8")
      : undefined
  } catch {
    // The installer says what is wrong with it.
    return undefined
  }
}

const placeOf = (
  errand: Errand,
  argv: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
): CommandLine.HealthPlace => {
  switch (errand) {
    case "install-and-stay":
      return CommandLine.healthPlace(argv, env, readSettingsFile(argv))
    case "wait":
      return CommandLine.adopted(env)
    // Init containers have no probes.
    case "install-and-leave":
      return { _tag: "Nowhere" }
  }
}

/** What a supervisor has to know of the program that it is part of. */
export interface Self {
  /** The file that Node runs. */
  readonly file: string
  readonly version: () => Promise<string>
}

/** Supervises until the end of the pod and answers the exit status; never rejects. */
export const begin = async (errand: Errand, argv: ReadonlyArray<string>, self: Self): Promise<number> => {
  if (Lean.wantsReplacing({ flags: process.execArgv, file: self.file, env: process.env }))
    Lean.replace(argv, self.file)
  const early: Array<StopSignal> = []
  let listener = (signal: StopSignal): void => void early.push(signal)
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => listener(signal))
  const alive = setInterval(() => {}, forEver)
  const program: Program = {
    node: process.execPath,
    nodeFlags: Lean.workingFlags(process.execArgv),
    file: self.file,
  }
  const status = await supervise({
    errand,
    argv,
    env: process.env,
    program,
    version: await self.version(),
    place: placeOf(errand, argv, process.env),
    log: Log.ofProcess(argv),
    now: Date.now,
    after: (seconds, then) => void setTimeout(then, seconds * 1000).unref(),
    onSignal: (take) => {
      listener = take
      for (const signal of early.splice(0)) take(signal)
    },
  })
  clearInterval(alive)
  return status
}
