/**
 * Answers: what comes of one disaster? A run of the program or of the engine is cut off or disturbed at one point, and
 * the next runs have to end where an undisturbed life ends: an install in the installed tree, a cleanup in the original.
 */
import { Cause, Exit } from "effect"
import * as Arena from "./Arena.ts"
import * as Sabotage from "./Sabotage.ts"

/** What became of one disaster. */
export interface Aftermath {
  /** What happened, and where: enough to do it again. */
  readonly disaster: string
  /** Whether it came to it: a run may be over before. */
  readonly reached: boolean
  /** Everything that did not end as it has to; empty when all converged. */
  readonly wrong: ReadonlyArray<string>
}

/** An install that died before it could write anything down leaves its directory, which nobody can tell from another's. */
const isBare = (difference: string): boolean => difference.startsWith("new: /opt/kata (directory")

const lives = async (
  arena: Arena.Arena,
  root: string,
  action: Arena.Action,
  differences: () => Promise<ReadonlyArray<string>>,
): Promise<ReadonlyArray<string>> => {
  const exit = await Arena.live(arena, root, action)
  if (Exit.isFailure(exit)) return [`the next ${action} fails: ${Cause.pretty(exit.cause).slice(0, 600)}`]
  return (await differences())
    .filter((difference) => action === "install" || !isBare(difference))
    .map((difference) => `after the next ${action}: ${difference}`)
}

/** A tree after a disaster has to lead to both ends. */
export const converges = async (arena: Arena.Arena, root: string): Promise<ReadonlyArray<string>> => [
  ...(await Arena.withCopy(root, (copy) =>
    lives(arena, copy, "cleanup", () => Arena.fromOriginal(arena, copy)),
  )),
  ...(await lives(arena, root, "install", () => Arena.fromInstalled(arena, root))),
  ...(await lives(arena, root, "cleanup", () => Arena.fromOriginal(arena, root))),
]

/** The calls of an undisturbed run, in order. */
export const callsOf = (
  arena: Arena.Arena,
  action: Arena.Action,
  calls: Sabotage.Calls,
): Promise<ReadonlyArray<string>> =>
  Arena.withCopy(arena.before(action), async (root) => {
    const sabotage = Sabotage.begin({ kind: "none", calls })
    try {
      await Arena.live(arena, root, action)
    } finally {
      sabotage.end()
    }
    return [...sabotage.calls]
  })

/** The program in a process of its own gets a signal. */
export const signalled = (
  arena: Arena.Arena,
  action: Arena.Action,
  orders: Extract<Sabotage.Orders, { readonly kind: "signal" | "moment" }>,
): Promise<Aftermath> =>
  Arena.withCopy(arena.before(action), async (root) => {
    const { code, stderr } = await Arena.program(arena, root, action, orders)
    const when = orders.kind === "signal" ? `call ${orders.at}` : `${orders.milliseconds} ms`
    const hung = code === 137 && orders.signal === "SIGTERM"
    const broken = code === 2 ? [`the program was not even started: ${stderr.slice(0, 400)}`] : []
    return {
      disaster: `${arena.name}: ${action} gets ${orders.signal} at ${when} (exit ${code})`,
      reached: code !== 0,
      wrong: [...broken, ...(hung ? ["it did not end by itself"] : []), ...(await converges(arena, root))],
    }
  })

/** Runs the engine in this process under orders. */
const sabotaged = async (arena: Arena.Arena, root: string, action: Arena.Action, orders: Sabotage.Orders) => {
  const sabotage = Sabotage.begin(orders)
  try {
    const exit = await Arena.live(arena, root, action)
    return {
      exit,
      reached: sabotage.reached(),
      call: sabotage.calls.at("at" in orders ? orders.at - 1 : 0) ?? "",
    }
  } finally {
    sabotage.end()
  }
}

/** From one call on nothing reaches the disk any more, as if the process had been killed there. */
export const cutOff = (arena: Arena.Arena, action: Arena.Action, at: number): Promise<Aftermath> =>
  Arena.withCopy(arena.before(action), async (root) => {
    const { call, reached } = await sabotaged(arena, root, action, { kind: "dead", at })
    return {
      disaster: `${arena.name}: ${action} is cut off at call ${at} (${call})`,
      reached,
      wrong: await converges(arena, root),
    }
  })

/** A failure of the run that people can do something with. */
const clarity = (exit: Exit.Exit<unknown, { readonly message: string }>): ReadonlyArray<string> => {
  if (Exit.isSuccess(exit)) return []
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "None") return [`it ends with a defect: ${Cause.pretty(exit.cause).slice(0, 600)}`]
  const { message } = error.value
  return /\bundefined\b|\[object|sabotaged/.test(message) || message.length < 20
    ? [`it says nothing that helps: ${message}`]
    : []
}

/** One call to the filesystem fails. */
export const fails = (
  arena: Arena.Arena,
  action: Arena.Action,
  orders: Extract<Sabotage.Orders, { readonly kind: "fails" }>,
): Promise<Aftermath> =>
  Arena.withCopy(arena.before(action), async (root) => {
    const { call, exit, reached } = await sabotaged(arena, root, action, orders)
    const isHalf = action === "install" && !(await Arena.isClean(arena, root))
    const isDone = Exit.isSuccess(exit) && action === "install"
    return {
      disaster: `${arena.name}: ${action} meets ${orders.code} at call ${orders.at} of the ${orders.calls} (${call})`,
      reached,
      wrong: [
        ...clarity(exit),
        ...(isHalf ? ["a half stage is left"] : []),
        ...(isDone
          ? (await Arena.fromInstalled(arena, root)).map((d) => `it says that it is done: ${d}`)
          : []),
        ...(await converges(arena, root)),
      ],
    }
  })
