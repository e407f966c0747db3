/** Surroundings that record what is written, so that no test needs a child process. */
import type { Output, Surroundings } from "../../src/Surroundings.ts"

/** Surroundings, what was written, and a way to send signals. */
export interface Recorder {
  readonly surroundings: Surroundings
  readonly stdout: () => string
  readonly stderr: () => string
  readonly signal: (name: "SIGINT" | "SIGTERM") => void
}

/** What may differ from a quiet pipe on an x86_64 machine with root. */
export interface Options {
  readonly env?: Surroundings["env"]
  readonly terminal?: { readonly columns: number }
  readonly architecture?: string
  readonly isRoot?: boolean
  readonly workingDirectory?: string
  readonly customConfigs?: string
}

/** Recording surroundings. */
export const make = (options: Options = {}): Recorder => {
  const written = { stdout: "", stderr: "" }
  const listeners = new Set<(name: "SIGINT" | "SIGTERM") => void>()
  const output = (name: keyof typeof written): Output => ({
    write: (text) => {
      written[name] += text
    },
    isTerminal: options.terminal !== undefined,
    columns: options.terminal?.columns ?? 80,
  })
  return {
    surroundings: {
      env: options.env ?? {},
      stdout: output("stdout"),
      stderr: output("stderr"),
      architecture: options.architecture ?? "x86_64",
      isRoot: options.isRoot ?? true,
      workingDirectory: options.workingDirectory ?? "/here",
      customConfigs: options.customConfigs ?? "/nonexistent",
      onInterrupt: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    signal: (name) => {
      for (const listener of listeners) listener(name)
    },
  }
}
