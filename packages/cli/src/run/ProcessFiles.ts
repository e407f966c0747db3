/**
 * Answers: what do the files say that belong to this process and not to the host? The settings file, the operator's
 * `/custom-configs`, and the operator's containerd drop-in.
 */
import { open, readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { CustomRuntimes, Problem } from "@kata-deploy/core"
import { Effect, Predicate, Result } from "effect"
import { settingsFileBytes } from "../supervisor/CommandLine.ts"

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

const KiB = 1024

/** Bytes that a file may have: a settings file, one of the operator's (a ConfigMap takes no more), a reviewed plan. */
export const mostBytes = { settings: settingsFileBytes, operators: 1024 * KiB, plan: 65_536 * KiB } as const

/** What is in a file, or `undefined` where it is more than that; a pipe or a device does not tell its size. */
const bytesOf = async (path: string, most: number): Promise<Buffer | undefined> => {
  const pieces: Array<Buffer> = []
  let length = 0
  const file = await open(path)
  try {
    for (;;) {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(64 * KiB) })
      if (bytesRead === 0) return Buffer.concat(pieces)
      pieces.push(buffer.subarray(0, bytesRead))
      length += bytesRead
      if (length > most) return undefined
    }
  } finally {
    await file.close()
  }
}

const textOf = async (path: string, most: number): Promise<Result.Result<string, string>> => {
  try {
    const bytes = await bytesOf(path, most)
    return bytes === undefined
      ? Result.fail(`it has more than ${most / KiB} KiB`)
      : Result.succeed(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch (error) {
    return Result.fail(error instanceof TypeError ? "it is not UTF-8 text" : why(error))
  }
}

/** The text of a file of this process, or why there is none; one that is larger than `most` bytes is not read. */
export const text = (path: string, most: number): Effect.Effect<Result.Result<string, string>> =>
  Effect.promise(() => textOf(path, most))

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
        const read = await textOf(join(directory, name), mostBytes.operators)
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
