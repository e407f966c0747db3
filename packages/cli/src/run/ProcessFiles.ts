/**
 * Answers: what do the files say that belong to this process and not to the host? The settings file, the operator's
 * `/custom-configs`, and the operator's containerd drop-in.
 */
import { readFile, readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { CustomRuntimes, Problem } from "@kata-deploy/core"
import { Effect, Predicate, Result } from "effect"

const words: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "no permission to read it",
  EPERM: "no permission to read it",
  EISDIR: "it is a directory",
  ENOTDIR: "it lies below something that is no directory",
}

const why = (error: unknown): string => {
  const code = Predicate.hasProperty(error, "code") ? String(error.code) : "unknown"
  return words[code] ?? `the operating system says ${code}`
}

const textOf = async (path: string): Promise<Result.Result<string, string>> => {
  try {
    return Result.succeed(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)))
  } catch (error) {
    return Result.fail(error instanceof TypeError ? "it is not UTF-8 text" : why(error))
  }
}

/** The text of a file of this process, or why there is none. */
export const text = (path: string): Effect.Effect<Result.Result<string, string>> =>
  Effect.promise(() => textOf(path))

/** Whether a path of this process is a directory. */
export const isDirectory = (path: string): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    try {
      return (await stat(path)).isDirectory()
    } catch {
      return false
    }
  })

/** Files of `/custom-configs` that mean something; a ConfigMap mount holds links and dot directories besides. */
const isCustomConfig = (name: string): boolean =>
  name === "custom-runtimes.list" || /^dropin-.+\.toml$/.test(name)

/** The operator's custom runtimes and drop-ins. */
export const customConfigs = (directory: string): Effect.Effect<CustomRuntimes.CustomConfigs> =>
  Effect.promise(async () => {
    try {
      const names = (await readdir(directory)).filter(isCustomConfig)
      const files = new Map<string, string>()
      const unreadable = new Map<string, string>()
      for (const name of names) {
        const read = await textOf(join(directory, name))
        if (Result.isSuccess(read)) files.set(name, read.success)
        else unreadable.set(name, read.failure)
      }
      return { _tag: "Files", files, unreadable } as const
    } catch (error) {
      return { _tag: "Unreadable", why: `${directory}: ${why(error)}` } as const
    }
  })

/** The problem of a settings file that cannot be read at all. */
export const settingsFileProblem = (path: string, why: string): Problem.Problem => ({
  code: "E_SETTINGS_FILE",
  setting: "--config",
  value: path,
  path,
  message: `The settings file ${path} cannot be read: ${why}.`,
  remedy: "Name a YAML or JSON file with --config, or leave it out.",
})

/** The problem of a drop-in of the operator's that cannot be read. Source: spec 03 §8. */
export const userDropInProblem = (path: string, why: string): Problem.Problem => ({
  code: "E_USER_DROPIN_SOURCE_MISSING",
  setting: "CONTAINERD_USER_DROP_IN_SOURCE_FILE",
  value: path,
  path,
  message: `CONTAINERD_USER_DROP_IN_SOURCE_FILE names ${path}, which cannot be read: ${why}.`,
  remedy: "Mount the file there, or unset the variable.",
})
