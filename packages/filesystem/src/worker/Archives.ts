/** The thread that reads archives: takes one task after the other and answers each with its result or failure. */
import { parentPort } from "node:worker_threads"
import type { Answer, Order } from "../Crew.ts"
import { reasonOf } from "../Refusal.ts"
import { perform } from "../Tasks.ts"

const answer = (message: Answer): void => parentPort?.postMessage(message, [])

const failureOf = (cause: unknown): Answer => {
  try {
    return { _tag: "Failed", reason: reasonOf(cause) }
  } catch {
    return { _tag: "Broken", detail: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }
  }
}

parentPort?.on("message", ({ task }: Order) => {
  perform(task, (read) => answer({ _tag: "Read", read })).then(
    (result) => answer({ _tag: "Done", result }),
    (cause: unknown) => answer(failureOf(cause)),
  )
})
