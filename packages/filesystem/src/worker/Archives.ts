/** The thread that reads archives: takes one task after the other and answers each with its result or failure. */
import { parentPort } from "node:worker_threads"
import type { Answer, Order } from "../Crew.ts"
import { reasonOf } from "../Refusal.ts"
import { perform } from "../Tasks.ts"

const answer = (message: Answer): void => parentPort?.postMessage(message, [])

const failureOf = (number: number, cause: unknown): Answer => {
  try {
    return { _tag: "Failed", number, reason: reasonOf(cause) }
  } catch {
    const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    return { _tag: "Broken", number, detail }
  }
}

parentPort?.on("message", ({ number, task }: Order) => {
  let isFree = false
  const free = (): void => {
    if (!isFree) answer({ _tag: "Free", number })
    isFree = true
  }
  perform(task, { tell: (read) => answer({ _tag: "Read", number, read }), free })
    .then(
      (result) => answer({ _tag: "Done", number, result }),
      (cause: unknown) => answer(failureOf(number, cause)),
    )
    .finally(free)
})
