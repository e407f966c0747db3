/**
 * Answers: what does the supervisor do next? A pod that installs, waits and cleans up is a small machine: it takes one
 * event at a time and answers with what is to be done. Nothing here asks a clock or starts anything.
 * Source: spec 09 §1, §7, §11; 10 §2, §4; decisions §1, §12.
 */
import { sentence } from "../render/Prose.ts"

/** What a child process does for the supervisor. */
export type Job = "install" | "cleanup"

/** What the supervisor stays for. `wait` is the second half of upstream's install, for those that ask for it alone. */
export type Errand =
  /** Install, then wait for the end of the pod and clean up. */
  | "install-and-stay"
  /** Install and end; clean up only where the pod ends in between. */
  | "install-and-leave"
  /** Somebody else has installed: wait for the end of the pod and clean up. */
  | "wait"

/** A signal that asks the program to stop. */
export type StopSignal = "SIGTERM" | "SIGINT"

/** How a child ended. */
export type ChildEnd =
  | { readonly _tag: "Exited"; readonly code: number }
  /** `outOfMemory` is `undefined` where the kernel does not tell. */
  | { readonly _tag: "Killed"; readonly signal: string; readonly outOfMemory: boolean | undefined }
  | { readonly _tag: "NotStarted"; readonly why: string }

/** Where in its life the supervisor is. */
export type State =
  /** The health port is being opened. */
  | { readonly _tag: "Starting"; readonly errand: Errand }
  | { readonly _tag: "Installing"; readonly errand: Errand }
  /** The installer was asked to stop; `then` is what follows when it has. */
  | { readonly _tag: "Stopping"; readonly then: "cleanup" | "end" }
  | { readonly _tag: "Waiting" }
  /** `cut` tells why the cleanup was asked to stop before its end, if it was. */
  | { readonly _tag: "CleaningUp"; readonly cut: "deadline" | "signal" | undefined }
  | { readonly _tag: "Ended" }

/** A moment that was asked for with `Await`. */
export type Deadline = "installer-overdue" | "cleanup-overdue" | "cleanup-lost"

/** Something that happened. */
export type Event =
  /** The health port is open, or there is none to open. */
  | { readonly _tag: "Opened" }
  /** The health port cannot be opened. */
  | { readonly _tag: "NotOpened"; readonly status: 2 | 3; readonly why: string }
  | { readonly _tag: "Asked"; readonly signal: StopSignal }
  /** The child has ended; `said` are the problems that it told before. */
  | { readonly _tag: "ChildEnded"; readonly end: ChildEnd; readonly said: ReadonlyArray<string> }
  | { readonly _tag: "Passed"; readonly deadline: Deadline }

/** Something to be done, in order. */
export type Command =
  | { readonly _tag: "Start"; readonly job: Job }
  | { readonly _tag: "Signal"; readonly signal: "SIGTERM" | "SIGKILL" }
  | { readonly _tag: "Await"; readonly deadline: Deadline; readonly seconds: number }
  | { readonly _tag: "Say"; readonly level: "info" | "warn" | "error"; readonly text: string }
  /** End with this status; the text is what the kubelet shows as the reason. */
  | { readonly _tag: "End"; readonly status: number; readonly message: string | undefined }

/** What follows from an event. */
export interface Turn {
  readonly state: State
  readonly commands: ReadonlyArray<Command>
}

/**
 * Seconds after the first signal: the installer has to have stopped, the cleanup is asked to stop, the cleanup is
 * killed. The last is the deadline over everything; the kubelet itself kills after 600 (decisions §1).
 */
export const limits = { installer: 270, cleanup: 510, everything: 540 } as const

const say = (level: "info" | "warn" | "error", text: string): Command => ({ _tag: "Say", level, text })

const told = (said: ReadonlyArray<string>): string => said.map((text) => ` ${sentence(text)}`).join("")

/** How a child ended, for people. */
export const describe = (who: string, end: ChildEnd): string => {
  switch (end._tag) {
    case "Exited":
      return `${who} ended with status ${end.code}.`
    case "NotStarted":
      return `${who} could not be started: ${sentence(end.why)}`
    case "Killed":
      return end.signal !== "SIGKILL"
        ? `${who} was ended by ${end.signal}.`
        : end.outOfMemory === true
          ? `${who} was killed by the kernel, because the container was out of memory. Raise resources.limits.memory of the container.`
          : end.outOfMemory === false
            ? `${who} was killed (SIGKILL), but not for want of memory in this container; the node itself may have run out of it.`
            : `${who} was killed (SIGKILL), most likely because the container was out of memory: look at resources.limits.memory.`
  }
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

/** The status of a program that hands on how its child ended; as shells count, 128 and the number of a signal. */
export const statusOf = (end: ChildEnd): number =>
  end._tag === "Exited" ? end.code : end._tag === "Killed" ? 128 + (signalNumbers[end.signal] ?? 0) : 1

const end = (status: number, message: string | undefined, level: "info" | "error"): Turn => ({
  state: { _tag: "Ended" },
  commands: [...(message === undefined ? [] : [say(level, message)]), { _tag: "End", status, message }],
})

const wait = (text: string): Turn => ({
  state: { _tag: "Waiting" },
  commands: [say("info", text)],
})

const deadlines: ReadonlyArray<Command> = [
  { _tag: "Await", deadline: "cleanup-overdue", seconds: limits.cleanup },
  { _tag: "Await", deadline: "cleanup-lost", seconds: limits.everything },
]

const cleanUp = (before: ReadonlyArray<Command>): Turn => ({
  state: { _tag: "CleaningUp", cut: undefined },
  commands: [...before, { _tag: "Start", job: "cleanup" }],
})

const opened = (errand: Errand): Turn =>
  errand === "wait"
    ? wait("Waiting for the end of this pod.")
    : { state: { _tag: "Installing", errand }, commands: [{ _tag: "Start", job: "install" }] }

const installEnded = (errand: Errand, how: ChildEnd, said: ReadonlyArray<string>): Turn => {
  // What an install said of its failure is on the log already; the kubelet has not seen it.
  if (how._tag !== "Exited")
    return end(statusOf(how), `${describe("The installer", how)}${told(said)}`, "error")
  if (how.code !== 0)
    return {
      state: { _tag: "Ended" },
      commands: [
        { _tag: "End", status: how.code, message: told(said).trim() || describe("The installer", how) },
      ],
    }
  return errand === "install-and-leave"
    ? end(0, undefined, "info")
    : wait("Installed. Waiting for the end of this pod.")
}

const cleanupEnded = (
  how: ChildEnd,
  said: ReadonlyArray<string>,
  cut: "deadline" | "signal" | undefined,
): Turn => {
  if (how._tag === "Exited" && how.code === 0) return end(0, undefined, "info")
  const why =
    cut === "deadline"
      ? `The cleanup did not fit into ${limits.everything} seconds. `
      : cut === "signal"
        ? "The cleanup was stopped by a second SIGINT. "
        : ""
  const rest = " What is left on the node goes with: kata-deploy cleanup."
  return end(0, `${why}${describe("The cleanup", how)}${told(said)}${rest}`, "error")
}

const asked = (state: State, signal: StopSignal): Turn => {
  switch (state._tag) {
    case "Starting":
    case "Waiting":
      return cleanUp([say("info", `${signal}: finding out whether to clean up.`), ...deadlines])
    case "Installing":
      return {
        state: { _tag: "Stopping", then: "cleanup" },
        commands: [
          say(
            "info",
            `${signal}: the installer stops at its next safe point; then the cleanup is decided on.`,
          ),
          { _tag: "Signal", signal: "SIGTERM" },
          { _tag: "Await", deadline: "installer-overdue", seconds: limits.installer },
          ...deadlines,
        ],
      }
    // The kubelet sends SIGTERM again when it or the runtime was restarted, which is what a cleanup does: it is no
    // wish to end sooner. A second SIGINT is: it comes from a person.
    case "Stopping":
    case "CleaningUp":
      if (signal === "SIGTERM") return { state, commands: [say("info", "SIGTERM again: still stopping.")] }
      return state._tag === "Stopping"
        ? {
            state: { ...state, then: "end" },
            commands: [say("info", "SIGINT again: ending without a cleanup once the installer has stopped.")],
          }
        : {
            state: { ...state, cut: state.cut ?? "signal" },
            commands: [
              say("info", "SIGINT again: the cleanup stops at its next safe point."),
              { _tag: "Signal", signal: "SIGTERM" },
            ],
          }
    case "Ended":
      return { state, commands: [] }
  }
}

const passed = (state: State, deadline: Deadline): Turn => {
  if (state._tag === "Stopping" && deadline === "installer-overdue")
    return {
      state,
      commands: [
        say("warn", `The installer has not stopped within ${limits.installer} seconds and is killed.`),
        { _tag: "Signal", signal: "SIGKILL" },
      ],
    }
  if (state._tag === "CleaningUp" && deadline === "cleanup-overdue")
    return {
      state: { ...state, cut: state.cut ?? "deadline" },
      commands: [
        say(
          "warn",
          `The cleanup is not done within ${limits.cleanup} seconds and stops at its next safe point.`,
        ),
        { _tag: "Signal", signal: "SIGTERM" },
      ],
    }
  if (state._tag === "CleaningUp" && deadline === "cleanup-lost")
    return { state: { ...state, cut: "deadline" }, commands: [{ _tag: "Signal", signal: "SIGKILL" }] }
  return { state, commands: [] }
}

const childEnded = (state: State, how: ChildEnd, said: ReadonlyArray<string>): Turn => {
  switch (state._tag) {
    case "Installing":
      return installEnded(state.errand, how, said)
    case "Stopping":
      return state.then === "cleanup"
        ? cleanUp([say("info", describe("The installer", how))])
        : end(0, `No cleanup was done, as a second SIGINT asked for.${told(said)}`, "info")
    case "CleaningUp":
      return cleanupEnded(how, said, state.cut)
    case "Starting":
    case "Waiting":
    case "Ended":
      return { state, commands: [] }
  }
}

/** What follows from an event in a state. */
export const next = (state: State, event: Event): Turn => {
  switch (event._tag) {
    case "Opened":
      return state._tag === "Starting" ? opened(state.errand) : { state, commands: [] }
    case "NotOpened":
      return state._tag === "Starting" ? end(event.status, event.why, "error") : { state, commands: [] }
    case "Asked":
      return asked(state, event.signal)
    case "ChildEnded":
      return childEnded(state, event.end, event.said)
    case "Passed":
      return passed(state, event.deadline)
  }
}
