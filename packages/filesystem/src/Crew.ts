/**
 * Answers: who reads the archives? A few threads, so that all cores are used and the program's own thread stays free
 * for those who ask how it is doing; where there is little to do, the program itself.
 */
import os from "node:os"
import { Worker } from "node:worker_threads"
import type { HostError } from "@kata-deploy/core"
import { Refusal } from "./Refusal.ts"
import { handedOver, perform, type Results, type Task, type Tell } from "./Tasks.ts"

/** What a thread is sent. */
export interface Order {
  /** Tells its answers from those to other orders. */
  readonly number: number
  readonly task: Task
}

/** What a thread answers: the first two while it is at it, then one of the others. */
export type Answer = { readonly number: number } & (
  | { readonly _tag: "Read"; readonly read: number }
  /** What is left waits for the disk; the thread can begin with something else. */
  | { readonly _tag: "Free" }
  | { readonly _tag: "Done"; readonly result: Results[Task["_tag"]] }
  | { readonly _tag: "Failed"; readonly reason: HostError.HostErrorReason }
  /** A mistake of ours. */
  | { readonly _tag: "Broken"; readonly detail: string }
)

/** Those who carry out tasks. */
export interface Crew {
  /** How many tasks are worked on at once. */
  readonly size: number
  /** Carries a task out, after those that were asked for before. */
  readonly run: <T extends Task>(task: T, tell?: Tell) => Promise<Results[T["_tag"]]>
  /** Ends the threads that have nothing to do and gives their memory back; they begin anew when there is something. */
  readonly rest: () => Promise<void>
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
  let last: Promise<void> = Promise.resolve()
  return {
    size: 1,
    run: <T extends Task>(task: T, tell: Tell = silence) => {
      let free = (): void => undefined
      const before = last
      last = new Promise<void>((resolve) => (free = resolve))
      const result = before.then(() => perform(task, { tell, free })) as Promise<Results[T["_tag"]]>
      return result.finally(free)
    },
    rest: () => Promise.resolve(),
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

/** One thread, and what it was asked for and has not answered. */
class Hand {
  private readonly worker: Worker
  private readonly waiting = new Map<number, Waiting>()
  private readonly free: (hand: Hand) => void
  private last = 0

  constructor(free: (hand: Hand) => void) {
    this.free = free
    this.worker = new Worker(program, isSource ? { execArgv: ["--conditions=source"] } : {})
    this.worker.on("message", (answer: Answer) => this.onAnswer(answer))
    this.worker.on("error", (cause) => this.onEnd(cause))
    this.worker.on("exit", () => this.onEnd(new Error("a thread that unpacks ended by itself")))
  }

  /** Whether it has answered everything. */
  get isIdle(): boolean {
    return this.waiting.size === 0
  }

  begin(waiting: Waiting): void {
    this.last++
    this.waiting.set(this.last, waiting)
    this.worker.ref()
    this.worker.postMessage(
      { number: this.last, task: waiting.task } satisfies Order,
      handedOver(waiting.task),
    )
  }

  async close(): Promise<void> {
    await this.worker.terminate()
  }

  private onAnswer(answer: Answer): void {
    // It may come after the result.
    if (answer._tag === "Free") return this.free(this)
    const waiting = this.waiting.get(answer.number)
    if (waiting === undefined) return
    if (answer._tag === "Read") return waiting.tell(answer.read)
    this.waiting.delete(answer.number)
    // A thread without work does not keep the program from ending.
    if (this.waiting.size === 0) this.worker.unref()
    if (answer._tag === "Done") waiting.resolve(answer.result)
    else if (answer._tag === "Failed") waiting.reject(new Refusal(answer.reason))
    else waiting.reject(new Error(answer.detail))
  }

  private onEnd(cause: unknown): void {
    for (const { reject } of this.waiting.values()) reject(cause)
    this.waiting.clear()
  }
}

/** As many threads as there are cores, started when there is something to do. */
export const threads = (count = Math.min(os.availableParallelism(), mostThreads)): Crew => {
  let hands: ReadonlyArray<Hand> = []
  let idle: Array<Hand> = []
  const queue: Array<Waiting> = []
  const next = (): void => {
    if (queue.length === 0) return
    let hand = idle.pop()
    if (hand === undefined && hands.length < count) {
      hand = new Hand((freed) => {
        if (hands.includes(freed)) idle.push(freed)
        next()
      })
      hands = [...hands, hand]
    }
    if (hand !== undefined) hand.begin(queue.shift()!)
  }
  return {
    size: count,
    run: <T extends Task>(task: T, tell: Tell = silence) =>
      new Promise<Results[T["_tag"]]>((resolve, reject) => {
        queue.push({ task, tell, resolve: resolve as Waiting["resolve"], reject })
        next()
      }),
    rest: async () => {
      const resting = hands.filter((hand) => hand.isIdle)
      hands = hands.filter((hand) => !resting.includes(hand))
      idle = idle.filter((hand) => hands.includes(hand))
      await Promise.all(resting.map((hand) => hand.close()))
    },
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
  readonly rest: () => Promise<void>
  readonly close: () => Promise<void>
}

/** The usual choice. */
export const crews = (many: Crew = threads(), few: Crew = alone()): Crews => ({
  forBytes: (bytes) => (bytes < littleBytes ? few : many),
  rest: () => many.rest(),
  close: () => many.close(),
})
