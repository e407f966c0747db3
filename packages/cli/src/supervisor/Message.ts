/**
 * Answers: what does a child tell its supervisor? One JSON object a line, over a pipe of its own, so that neither log
 * nor results are touched. This file is read by both sides and loads nothing.
 */

/** Environment variable with the number of the pipe's file descriptor in the child. */
export const pipeVariable = "KATA_DEPLOY_SUPERVISOR_FD"

/** The descriptor that the supervisor gives its children. */
export const pipeDescriptor = 3

/** Longest line in characters; a longer one is dropped. */
export const lineLength = 65_536

/** Something that a child tells. */
export type Message =
  /** The settings are understood. */
  | {
      readonly _tag: "Settings"
      readonly release: string
      readonly instance: string
      readonly healthPort: number
    }
  /** It is clear what is to be done, and on which CRI runtime. */
  | { readonly _tag: "Planned"; readonly runtime: string; readonly restartsDue: number }
  | { readonly _tag: "StageStarted"; readonly stage: string }
  | { readonly _tag: "StageDone"; readonly stage: string; readonly changed: number }
  | { readonly _tag: "Undoing"; readonly stage: string; readonly changes: number }
  /** Compressed bytes read so far, and in total. */
  | { readonly _tag: "Unpacking"; readonly bytes: number; readonly totalBytes: number }
  | { readonly _tag: "Restarted"; readonly unit: string }
  /** That many owned paths are not as they were left. */
  | { readonly _tag: "Drift"; readonly paths: number }
  /** What is wrong, secrets masked. */
  | { readonly _tag: "Problems"; readonly messages: ReadonlyArray<string> }

/** The line of a message. */
export const encode = (message: Message): string => `${JSON.stringify(message)}\n`

const shapes: { readonly [Tag in Message["_tag"]]: Readonly<Record<string, "string" | "number" | "texts">> } =
  {
    Settings: { release: "string", instance: "string", healthPort: "number" },
    Planned: { runtime: "string", restartsDue: "number" },
    StageStarted: { stage: "string" },
    StageDone: { stage: "string", changed: "number" },
    Undoing: { stage: "string", changes: "number" },
    Unpacking: { bytes: "number", totalBytes: "number" },
    Restarted: { unit: "string" },
    Drift: { paths: "number" },
    Problems: { messages: "texts" },
  }

const fits = (value: unknown, kind: "string" | "number" | "texts"): boolean =>
  kind === "texts"
    ? Array.isArray(value) && value.every((text) => typeof text === "string")
    : typeof value === kind

/** The message of a line; `undefined` for what a child of another version says, which is no reason to stop. */
export const decode = (line: string): Message | undefined => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== "object" || value === null || !("_tag" in value)) return undefined
  const fields = value as Readonly<Record<string, unknown>>
  const tag = String(fields["_tag"])
  if (!Object.hasOwn(shapes, tag)) return undefined
  const shape = Object.entries(shapes[tag as Message["_tag"]])
  return shape.every(([name, kind]) => fits(fields[name], kind)) ? (value as Message) : undefined
}

/** Cuts text that comes in pieces into lines, and gives each whole one to `take`. */
export const lines = (take: (line: string) => void): ((piece: string) => void) => {
  let begun = ""
  let isDropped = false
  return (piece) => {
    const [first = "", ...rest] = piece.split("\n")
    begun += first
    for (const following of rest) {
      if (!isDropped && begun.length <= lineLength) take(begun)
      isDropped = false
      begun = following
    }
    if (begun.length > lineLength) {
      isDropped = true
      begun = ""
    }
  }
}
