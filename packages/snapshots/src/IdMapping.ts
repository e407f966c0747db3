/**
 * Answers: whose ids do the files of a container have on the host? Two labels of containerd say it, and nydus takes
 * one mapping for both. Source: facts nydus §1.
 */
import { Result } from "effect"
import { type Labels, keys, valueOf } from "./Labels.ts"

/** `size` ids from `internal` on inside of the container are those from `host` on outside of it. */
export interface IdMapping {
  readonly internal: number
  readonly host: number
  readonly size: number
}

/** The mapping of the labels: `undefined` where there is none; fails with what is wrong, as a clause. */
export const fromLabels = (labels: Labels): Result.Result<IdMapping | undefined, string> => {
  const uid = valueOf(labels, "uidMapping")
  const gid = valueOf(labels, "gidMapping")
  if (uid === undefined && gid === undefined) return Result.succeed(undefined)
  if (uid === undefined || gid === undefined)
    return Result.fail("only one of the two mappings of user and group ids is there")
  if (uid !== gid) return Result.fail("the mappings of user and group ids differ")
  const match = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(uid)
  if (match === null) return Result.fail(`the mapping ${JSON.stringify(uid)} is not internal:host:size`)
  const [internal, host, size] = match.slice(1).map(Number) as [number, number, number]
  return size === 0 ? Result.fail("the mapping of ids is empty") : Result.succeed({ internal, host, size })
}

/** The two labels out of others, to be handed on to the snapshot that carries an image's metadata. */
export const labelsOf = (labels: Labels): Labels =>
  Object.fromEntries(
    [keys.uidMapping, keys.gidMapping].flatMap((key) =>
      labels[key] === undefined ? [] : [[key, labels[key]]],
    ),
  )
