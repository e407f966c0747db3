/**
 * Answers: in which form does Node need least for a process that only waits? Without its compilers: 3 MiB less, and
 * nothing here would be worth compiling. What was loaded to get here, such as the launcher, goes as well.
 * Figures: `npm run bench -- memory`.
 */

const lean = "--jitless"

/** A young generation that stays small, and a say in when it is looked through. */
const leanFlags = [lean, "--expose-gc", "--max-semi-space-size=1"] as const

/** Flags of Node that a child which works is to have: all but those for waiting, and no debugger's port. */
export const workingFlags = (flags: ReadonlyArray<string>): ReadonlyArray<string> =>
  flags.filter((flag) => !leanFlags.some((one) => one === flag) && !flag.startsWith("--inspect"))

/** Milliseconds from an answer to the collection after it. */
const untilTidied = 500

/**
 * Clears away what answers left, soon after them, where this process may (`--expose-gc`). Left to itself, V8 lets four
 * hundred probes pile up to 2.5 MiB. A collection takes a few milliseconds.
 */
export const tidy = (): (() => void) => {
  let isDue = false
  return () => {
    if (isDue || globalThis.gc === undefined) return
    isDue = true
    setTimeout(() => {
      isDue = false
      void globalThis.gc?.()
    }, untilTidied).unref()
  }
}

/** What decides whether the process is replaced. */
export interface Present {
  /** Flags that Node was started with. */
  readonly flags: ReadonlyArray<string>
  /** The file that Node runs. */
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Whether this process is to be replaced by a leaner one. Sources need a compiler, and replacing closes sockets. */
export const wantsReplacing = ({ env, file, flags }: Present): boolean =>
  !flags.includes(lean) && !file.endsWith(".ts") && (env["KATA_DEPLOY_HEALTH_FD"] ?? "") === ""

/** Replaces this process, which keeps its number, by a lean one. Comes back only where that is not possible. */
export const replace = (argv: ReadonlyArray<string>, file: string): void => {
  // Node 22.15 and later. A warning that it is new there would be the first line of every pod's log.
  process.removeAllListeners("warning")
  const flags = [...leanFlags, ...process.execArgv]
  try {
    process.execve?.(process.execPath, [process.execPath, ...flags, file, ...argv], process.env)
  } catch {
    // It works as it is, with a little more memory.
  }
}
