/**
 * Answers: is this command line the supervisor's business, and what does it say to its children? Looked at before
 * anything is loaded, so only the plain spellings are known here; all others go the long way and come back.
 */
import type { Errand, Job } from "./Life.ts"

/** Upstream's name of the second half of an install; hidden, but accepted. Source: spec 10 §4. */
export const waitAction = "internal-post-install-wait"

/** The text of a flag, as `--name=text` or `--name text`; the last one counts. */
export const flagText = (argv: ReadonlyArray<string>, name: string): string | undefined => {
  const at = argv.findLastIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  if (at < 0) return undefined
  const word = argv[at]!
  return word === `--${name}` ? (argv[at + 1] ?? "") : word.slice(name.length + 3)
}

const asksForHelp = (word: string): boolean => word === "-h" || /^--(?:help|version)(?:=|$)/.test(word)

/** The errand that a plain command line asks for; `undefined` where it is not for the supervisor, or not plain. */
export const errandOf = (argv: ReadonlyArray<string>): Errand | undefined => {
  const at = argv.findIndex((word) => !/^--[^=]+=/.test(word))
  if (at < 0 || argv.some(asksForHelp)) return undefined
  if (argv[at] === waitAction) return "wait"
  if (argv[at] !== "install") return undefined
  // What to do when it is stopped is no question to an install that stays: whoever asks it is told so.
  if (!argv.some((word) => /^--once(?:=|$)/.test(word)))
    return flagText(argv, "when-stopped") === undefined ? "install-and-stay" : undefined
  const isPlain = argv.includes("--once") || argv.includes("--once=true")
  return isPlain && flagText(argv, "when-stopped") === "cleanup" ? "install-and-leave" : undefined
}

/** Flags of an install that mean nothing to a cleanup; those with a text behind them are marked. */
const installOnly: Readonly<Record<string, "alone" | "with-text">> = {
  once: "alone",
  "when-stopped": "with-text",
  plan: "with-text",
  rollback: "with-text",
  "lock-timeout": "with-text",
}

const ownInInstall: Readonly<Record<string, "alone" | "with-text">> = {
  once: "alone",
  "when-stopped": "with-text",
}

const without = (
  argv: ReadonlyArray<string>,
  flags: Readonly<Record<string, "alone" | "with-text">>,
): ReadonlyArray<string> => {
  const kept: Array<string> = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!
    const name = /^--([^=]+)/.exec(word)?.[1]
    const kind = name !== undefined && Object.hasOwn(flags, name) ? flags[name] : undefined
    if (kind === undefined) kept.push(word)
    else if (kind === "with-text" && !word.includes("=")) at++
  }
  return kept
}

const withAction = (argv: ReadonlyArray<string>, ...action: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = argv.findIndex((word) => word === "install" || word === waitAction)
  return [...action, ...argv.slice(0, Math.max(at, 0)), ...argv.slice(at + 1)]
}

/** The command line of a child; `status` looks for drift while the supervisor waits. */
export const childArguments = (argv: ReadonlyArray<string>, job: Job | "status"): ReadonlyArray<string> =>
  job === "install"
    ? withAction(without(argv, ownInInstall), "install", "--once")
    : withAction(without(argv, installOnly), job)

/** Variable with the seconds between two looks for drift. */
export const driftVariable = "KATA_DEPLOY_DRIFT_INTERVAL"

/** How often drift is looked for; `complaint` is there where what is said of it cannot be understood. */
export interface DriftInterval {
  /** Seconds between two looks; `undefined` for never. */
  readonly seconds: number | undefined
  readonly complaint?: string
}

/** How often drift is looked for. It is not worth an install, so nonsense means never. */
export const driftInterval = (env: Readonly<Record<string, string | undefined>>): DriftInterval => {
  const text = env[driftVariable]?.trim() ?? ""
  if (/^[1-9]\d{0,6}$/.test(text)) return { seconds: Number(text) }
  if (text === "" || text === "0") return { seconds: undefined }
  return {
    seconds: undefined,
    complaint: `${driftVariable} is ${JSON.stringify(text)}, which is no whole number of seconds, so drift is never looked for. Write e.g. 3600, or unset it.`,
  }
}

/** Seconds that the cleanup waits for the node lock: its part of the 540 (decisions §1). */
export const lockSeconds = 120

/** Variables that the children get beside those of the supervisor. */
export const childVariables = (job: Job, runtime: string | undefined): Readonly<Record<string, string>> => ({
  ...(job === "cleanup" ? { KATA_DEPLOY_LOCK_TIMEOUT: String(lockSeconds) } : {}),
  ...(job === "cleanup" && runtime !== undefined ? { KATA_DEPLOY_DETECTED_RUNTIME: runtime } : {}),
})

/** Where the health server is to be. */
export type HealthPlace =
  | { readonly _tag: "Port"; readonly port: number }
  /** A socket that somebody else has opened. */
  | { readonly _tag: "Descriptor"; readonly fd: number }
  /** Nobody asks. */
  | { readonly _tag: "Nowhere" }
  /** What is said is no port; the installer refuses it together with everything else that is wrong. */
  | { readonly _tag: "Wrong"; readonly text: string }

/** Port of the health server where none is named. */
export const defaultPort = 8090

/** The port of a settings file. Only looked for by its name; the installer compares (`Settings`). */
const portOfFile = (text: string): string | undefined =>
  /(?:^|[{,])\s*"?healthPort"?\s*:\s*["']?([^"',#}\s]+)/m.exec(text)?.[1]

/** Bytes that a settings file may have. */
export const settingsFileBytes = 256 * 1024

/** Where the health server is to be: flag, variable, settings file, 8090. */
export const healthPlace = (
  argv: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
  settingsFile: string | undefined,
): HealthPlace => {
  const variable = env["HEALTH_PORT"]?.trim() ?? ""
  const said =
    flagText(argv, "health-port") ?? (variable === "" ? portOfFile(settingsFile ?? "") : variable) ?? ""
  const text = said.trim() || String(defaultPort)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity
  return port <= 65_535 ? { _tag: "Port", port } : { _tag: "Wrong", text }
}

/** Where the waiting half finds its socket: it is handed over by whoever has installed. Source: spec 10 §4. */
export const adopted = (env: Readonly<Record<string, string | undefined>>): HealthPlace => {
  const text = env["KATA_DEPLOY_HEALTH_FD"]?.trim() ?? ""
  if (text === "") return { _tag: "Nowhere" }
  return /^\d{1,6}$/.test(text) ? { _tag: "Descriptor", fd: Number(text) } : { _tag: "Wrong", text }
}
