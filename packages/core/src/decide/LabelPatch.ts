/**
 * Answers: how is a Node rewritten so that nobody else's change gets lost, and what does the server's answer mean?
 * A JSON patch that holds only while the Node is as it was read. Source: spec 08 §2.4; 12 W-10, W-22.
 */
import type { Problem } from "../input/Problem.ts"
import type { LabelUpdates } from "../ports/NodeApi.ts"

/** One operation of a JSON patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: "test" | "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }

/** The media type that the patch is sent with. */
export const contentType = "application/json-patch+json"

/** A key as one reference token of a JSON pointer (RFC 6901). */
export const pointerToken = (key: string): string => key.replace(/~/g, "~0").replace(/\//g, "~1")

/** Lets the patch fail unless the object is the one that was read. */
export const precondition = (resourceVersion: string): PatchOperation => ({
  op: "test",
  path: "/metadata/resourceVersion",
  value: resourceVersion,
})

/** The patch for a change of labels, or `undefined` when there is nothing to send. Keys are in their own order. */
export const labels = (
  resourceVersion: string,
  updates: LabelUpdates,
): ReadonlyArray<PatchOperation> | undefined => {
  const keys = Object.keys(updates).sort()
  if (keys.length === 0) return undefined
  return [
    precondition(resourceVersion),
    ...keys.map((key): PatchOperation => {
      const path = `/metadata/labels/${pointerToken(key)}`
      const value = updates[key] ?? null
      return value === null ? { op: "remove", path } : { op: "add", path, value }
    }),
  ]
}

/** What is looked at in the server's answer: the HTTP status, and the fields that its causes name. */
export interface PatchResponse {
  /** HTTP status code. */
  readonly status: number
  /** `details.causes[].field` of the returned Status object; empty where there are none. */
  readonly invalidFields: ReadonlyArray<string>
  /** The server's own message, for people. */
  readonly message?: string
}

/** How often labels are tried before contention is reported (spec 08 §2.4). */
export const labelAttempts = 5

/** What to do after an answer. */
export type PatchVerdict =
  | { readonly _tag: "Done" }
  /** Somebody was faster: read the Node again and decide again. */
  | { readonly _tag: "ReadAgain" }
  | { readonly _tag: "GiveUp"; readonly problem: Problem }

const done: PatchVerdict = { _tag: "Done" }

/**
 * Whether another writer was faster. 422 stands for a failed precondition and for a write that is invalid in itself;
 * only the latter names fields, and trying it again would never help.
 */
export const isConflict = (response: PatchResponse): boolean =>
  response.status === 409 || (response.status === 422 && response.invalidFields.length === 0)

/** Judges the answer to the attempt with that number (the first is 1). */
export const judge = (attempt: number, attempts: number, response: PatchResponse): PatchVerdict => {
  if (response.status >= 200 && response.status < 300) return done
  if (isConflict(response))
    return attempt < attempts ? { _tag: "ReadAgain" } : giveUp(tooManyConflicts(attempts))
  return giveUp(refused(response))
}

const giveUp = (problem: Problem): PatchVerdict => ({ _tag: "GiveUp", problem })

const tooManyConflicts = (attempts: number): Problem => ({
  code: "E_TOO_MANY_CONFLICTS",
  message: `The Node was changed by somebody else each time that we were about to write it, ${attempts} times in a row.`,
  remedy: "Try again; if it happens often, look for a controller that rewrites the Node all the time.",
})

const refused = (response: PatchResponse): Problem => {
  const fields = response.invalidFields.length === 0 ? "" : ` (${response.invalidFields.join(", ")})`
  const why = response.message === undefined ? "" : `: ${response.message.replace(/\.$/, "")}`
  return response.status === 422
    ? {
        code: "E_NODE_UPDATE_INVALID",
        message: `The API server calls our change of the Node invalid${fields}${why}.`,
        remedy: "Check MULTI_INSTALL_SUFFIX, which becomes part of a label key.",
      }
    : {
        code: "E_API",
        message: `The API server refused our change of the Node with status ${response.status}${why}.`,
        remedy:
          response.status === 403
            ? "Give the service account the right to patch nodes."
            : "Try again when the API server answers.",
      }
}
