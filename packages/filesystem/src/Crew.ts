/**
 * Answers: who reads the archives? A few threads, so that all cores are used and the program's own thread stays free
 * for those who ask how it is doing; where there is little to do, the program itself.
 */
import os from "node:os"
import { Worker } from "node:worker_threads"
import type { HostError } from "@kata-deploy/core"
import { Refusal } from "./Refusal.ts"
import { perform, type Results, type Task, type Tell } from "./Tasks.ts"

/** What a thread is sent. */
export interface Order {
  readonly task: Task
}

/** What a thread answers: progress any number of times, then one of the others. */
export type Answer =
  | { readonly _tag: "Read"; readonly read: number }
  | { readonly _tag: "Done"; readonly result: Results[Task["_tag"]] }
  | { readonly _tag: "Failed"; readonly reason: HostError.HostErrorReason }
  /** A mistake of ours. */
  | { readonly _tag: "Broken"; readonly detail: string }

/** Those who carry out tasks. */
export interface Crew {
  /** Carries a task out, after those that were asked for before. */
  readonly run: <T extends Task>(task: T, tell?: Tell) => Promise<Results[T["_tag"]]>
  /** Ends every thread. */
  readonly close: () => Promise<void>
}

/** Below this many compressed bytes starting a thread takes longer than the work. */
const littleBytes = 4 * 1024 * 1024

/** More threads than this only wait for the disk. */
const mostThreads = 4

const silence: Tell = () => undefined

/** The program's own thread, one task at a time. */
export const alone = (): Crew => {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run: <T extends Task>(task: T, tell: Tell = silence) => {
      const result = last.then(() => perform(task, tell)) as Promise<Results[T["_tag"]]>
      last = result.catch(() => undefined)
      return result
    },
    close: () => Promise.resolve(),
  }
}

interface Waiting {
  readonly task: Task
  readonly tell: Tell
  readonly resolve: (result: Results[Task["_tag"]]) => void
  readonly reject: (cause: unknown) => void
}

const isSource = import.meta.url.endsWith(".ts")
const program = new URL(`./worker/Archives.${isSource ? "ts" : "js"}`, import.meta.url)

/** One thread, and what it is busy with. */
class Hand {
  private readonly worker: Worker
  private busy: Waiting | undefined
  private readonly free: (hand: Hand) => void

  constructor(free: (hand: Hand) => void) {
    this.free = free
    this.worker = new Worker(program, isSource ? { execArgv: ["--conditions=source"] } : {})
    this.worker.on("message", (answer: Answer) => this.onAnswer(answer))
    this.worker.on("error", (cause) => this.onEnd(cause))
    this.worker.on("exit", () => this.onEnd(new Error("a thread that unpacks ended by itself")))
  }

  begin(waiting: Waiting): void {
    this.busy = waiting
    this.worker.ref()
    this.worker.postMessage({ task: waiting.task } satisfies Order, [])
  }

  async close(): Promise<void> {
    await this.worker.terminate()
  }

  private onAnswer(answer: Answer): void {
    const { busy } = this
    if (busy === undefined) return
    if (answer._tag === "Read") return busy.tell(answer.read)
    this.busy = undefined
    // A thread without work does not keep the program from ending.
    this.worker.unref()
    if (answer._tag === "Done") busy.resolve(answer.result)
    else if (answer._tag === "Failed") busy.reject(new Refusal(answer.reason))
    else busy.reject(new Error(answer.detail))
    this.free(this)
  }

  private onEnd(cause: unknown): void {
    this.busy?.reject(cause)
    this.busy = undefined
  }
}

/** As many threads as there are cores, started when there is something to do. */
export const threads = (count = Math.min(os.availableParallelism(), mostThreads)): Crew => {
  const hands: Array<Hand> = []
  const idle: Array<Hand> = []
  const queue: Array<Waiting> = []
  const next = (): void => {
    if (queue.length === 0) return
    let hand = idle.pop()
    if (hand === undefined && hands.length < count) {
      hand = new Hand((freed) => {
        idle.push(freed)
        next()
      })
      hands.push(hand)
    }
    if (hand !== undefined) hand.begin(queue.shift()!)
  }
  return {
    run: <T extends Task>(task: T, tell: Tell = silence) =>
      new Promise<Results[T["_tag"]]>((resolve, reject) => {
        queue.push({ task, tell, resolve: resolve as Waiting["resolve"], reject })
        next()
      }),
    close: async () => {
      for (const waiting of queue.splice(0)) waiting.reject(new Error("the threads were ended"))
      await Promise.all(hands.map((hand) => hand.close()))
    },
  }
}

/** Threads for much to do, the program's own thread for little. */
export interface Crews {
  /** Who is to work on so many compressed bytes. */
  readonly forBytes: (bytes: number) => Crew
  readonly close: () => Promise<void>
}

/** The usual choice. */
export const crews = (many: Crew = threads(), few: Crew = alone()): Crews => ({
  forBytes: (bytes) => (bytes < littleBytes ? few : many),
  close: () => many.close(),
})
