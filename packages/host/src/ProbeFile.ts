/**
 * Answers: what does the filesystem of a host directory do with a file that is made to try things on? Tried by a program
 * of its own (`worker/ProbeFile.ts`), which may break or hang without harm. Source: decisions §5.
 */
import fs from "node:fs"
import { fileURLToPath } from "node:url"
import os from "node:os"
import { type HostLayout, HostPath, ProbeFile } from "@kata-deploy/core"
import { Effect, Result, Schema } from "effect"
import * as Program from "./Program.ts"
import { isForeignRoot } from "./SeenPath.ts"
import { follow } from "./sight/HostPlace.ts"

const program = fileURLToPath(
  new URL(`./worker/ProbeFile.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
)

/** Seconds that the program gets; it needs a twentieth of one, unless the filesystem hangs. */
const patience = 10

/** Runs the program on a directory that this process sees; `run` is of this machine when left out. */
export const look = (
  layout: HostLayout.HostLayout,
  directory: HostPath.HostPath,
  run: Program.RunProgram = Program.run,
): Effect.Effect<ProbeFile.ProbeFile> =>
  Effect.suspend(() => {
    if (isForeignRoot(layout))
      return Effect.succeed(ProbeFile.untried("below another root the kernel of this machine would answer"))
    const place = nearest(layout, directory)
    if (place._tag === "Unseen") return Effect.succeed(ProbeFile.untried(place.why))
    const argv = [process.execPath, "--disable-warning=ExperimentalWarning", program, place.seen] as const
    return Effect.match(run(argv, patience), {
      onFailure: (reason) =>
        ProbeFile.untried(`a probe file could not be made: ${Program.describe("node", reason)}`),
      onSuccess: (ended) => read(ended, place.host),
    })
  })

type Nearest =
  | { readonly _tag: "Directory"; readonly seen: string; readonly host: HostPath.HostPath }
  | { readonly _tag: "Unseen"; readonly why: string }

/** The directory, or the nearest one above it: what is made there later will be on the same filesystem. */
const nearest = (layout: HostLayout.HostLayout, directory: HostPath.HostPath): Nearest => {
  for (const path of [directory, ...[...HostPath.ancestors(directory)].reverse()]) {
    const place = follow(layout, path)
    if (place._tag === "Absent") continue
    if (place._tag !== "At") return { _tag: "Unseen", why: `${path}: ${place.why}` }
    const stat = fs.statSync(place.seen, { throwIfNoEntry: false })
    if (stat?.isDirectory() === true) return { _tag: "Directory", seen: place.seen, host: place.host }
    if (stat !== undefined) return { _tag: "Unseen", why: `${path} is no directory` }
  }
  return { _tag: "Unseen", why: `${directory}: nothing of it is there` }
}

const Answer = Schema.Union([
  Schema.Struct({ immutable: Schema.Int, fsverity: Schema.Int }),
  Schema.Struct({ failed: Schema.String }),
])

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Answer))

/** What the program found out. */
const read = ({ code, stdout }: Program.Ended, host: HostPath.HostPath): ProbeFile.ProbeFile => {
  const decoded = decode(stdout)
  if (Result.isFailure(decoded))
    return ProbeFile.untried(
      `a probe file in ${host} could not be made: this Node (${process.version}) cannot call the C library, or its program broke (status ${code})`,
    )
  const answer = decoded.success
  if ("failed" in answer)
    return ProbeFile.untried(`no probe file could be made in ${host} (${answer.failed})`)
  return {
    fsverity: tried("fs-verity", answer.fsverity, host),
    immutable: tried("the immutable flag", answer.immutable, host),
  }
}

const { ENOTTY, EOPNOTSUPP, EINVAL } = os.constants.errno

/** With these the kernel says that there is no such thing here; others, such as EPERM, are about this process. */
const saysNo: ReadonlySet<number> = new Set([ENOTTY, EOPNOTSUPP, EINVAL])

const tried = (what: string, errno: number, host: HostPath.HostPath): ProbeFile.Tried => {
  if (errno === 0) return ProbeFile.accepted
  const name =
    Object.entries(os.constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`
  return saysNo.has(errno)
    ? ProbeFile.refused(`${what} is refused for a file in ${host} (${name})`)
    : ProbeFile.unknown(`trying ${what} on a file in ${host} failed (${name})`)
}
