/**
 * Answers: who is there from the first moment of a pod to its last? A process that loads next to nothing: it owns the
 * health port and the signals, and has the work done by children that end. Source: spec 10 §4 (equivalent design).
 *
 * Orphans: what a killed child leaves behind becomes a child of process 1, which may be this one, and stays in the
 * process table when it ends, since nobody asks for its status. That is one entry without memory for each, and the
 * pod's end removes them; there is nothing to reap for.
 */
import * as HealthServer from "../health/HealthServer.ts"
import * as Metrics from "../health/Metrics.ts"
import * as Child from "./Child.ts"
import * as CommandLine from "./CommandLine.ts"
import * as Lean from "./Lean.ts"
import * as Life from "./Life.ts"
import type { Log } from "./Log.ts"
import type { Message } from "./Message.ts"
import * as TerminationLog from "./TerminationLog.ts"

/** What the supervisor is given. */
export interface Supervision {
  readonly errand: Life.Errand
  /** Command line, without Node and the program. */
  readonly argv: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly program: Child.Program
  readonly version: string
  readonly place: CommandLine.HealthPlace
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Calls back after that many seconds. */
  readonly after: (seconds: number, then: () => void) => void
  /** Calls back at every signal that asks to stop. */
  readonly onSignal: (listener: (signal: Life.StopSignal) => void) => void
  /** Told the port once it is open. */
  readonly onListening?: (port: number | undefined) => void
}

const phaseOf = (state: Life.State): Metrics.Phase => {
  switch (state._tag) {
    case "Starting":
      return state.errand === "wait" ? "ready" : "installing"
    case "Installing":
      return "installing"
    case "Waiting":
      return "ready"
    case "Stopping":
      return "stopping"
    case "CleaningUp":
    case "Ended":
      return "cleaning-up"
  }
}

const healthOf = (state: Life.State) => {
  const phase = phaseOf(state)
  return phase === "installing" || phase === "ready" ? phase : "stopping"
}

const notListening = (place: CommandLine.HealthPlace, error: NodeJS.ErrnoException): string => {
  const where =
    place._tag === "Port" ? `port ${place.port} (HEALTH_PORT)` : "the socket that KATA_DEPLOY_HEALTH_FD names"
  const what =
    error.code === "EADDRINUSE"
      ? "another program of this pod, or of the node where the pod uses its network, has it"
      : error.code === "EACCES"
        ? "this process may not have it"
        : error.message
  return `The health server cannot listen on ${where}: ${what}. The kubelet would never see this pod ready, so nothing was begun. Choose another port with HEALTH_PORT, and the same one in the probes.`
}

/** Runs until the end of the pod and answers the exit status; never rejects. */
export const supervise = (supervision: Supervision): Promise<number> =>
  new Promise((resolve) => {
    const { after, argv, env, errand, log, now, place, program } = supervision
    const seconds = (): number => now() / 1000
    let state: Life.State = { _tag: "Starting", errand }
    let figures = Metrics.start(supervision.version, seconds(), phaseOf(state))
    let child: Child.Child | undefined
    let said: ReadonlyArray<string> = []
    let server: HealthServer.HealthServer | undefined

    const hear = (job: Life.Job, message: Message): void => {
      if (message._tag === "Problems") said = message.messages
      // What a cleanup does is not what was installed.
      else if (job === "install") figures = Metrics.hear(figures, message, seconds())
      if (message._tag === "Settings" && place._tag === "Port" && message.healthPort !== place.port)
        log(
          "warn",
          `The settings name ${message.healthPort} as health port, but the health server is on ${place.port}: write healthPort on a line of its own in the settings file, or set HEALTH_PORT.`,
        )
    }

    // While it waits, and only then, a child looks from time to time whether everything is as it was left.
    const { complaint, seconds: interval } = CommandLine.driftInterval(env)
    if (complaint !== undefined) log("warn", complaint)
    let look: Child.Child | undefined
    const lookLater = (): void => {
      if (interval !== undefined && state._tag === "Waiting") after(interval, lookForDrift)
    }
    function lookForDrift(): void {
      if (state._tag !== "Waiting") return
      look = Child.start({
        program,
        args: CommandLine.childArguments(argv, "status"),
        env: { ...env, ...CommandLine.childVariables("cleanup", figures.runtime) },
        results: "ignore",
        onMessage: (message) => {
          if (message._tag === "Drift") figures = Metrics.hear(figures, message, seconds())
        },
        onEnd: () => {
          look = undefined
          lookLater()
        },
      })
    }

    const start = (job: Life.Job): void => {
      said = []
      look?.signal("SIGTERM")
      child = Child.start({
        program,
        args: CommandLine.childArguments(argv, job),
        env: { ...env, ...CommandLine.childVariables(job, figures.runtime) },
        results: "inherit",
        onMessage: (message) => hear(job, message),
        onEnd: (end) => {
          child = undefined
          if (job === "install") {
            const isDone = end._tag === "Exited" && end.code === 0
            figures = Metrics.installed(figures, isDone ? "done" : "failed", seconds())
          }
          take({ _tag: "ChildEnded", end, said })
        },
      })
    }

    const carryOut = (command: Life.Command): void => {
      switch (command._tag) {
        case "Start":
          return start(command.job)
        case "Signal":
          return child?.signal(command.signal)
        case "Await":
          return after(command.seconds, () => take({ _tag: "Passed", deadline: command.deadline }))
        case "Say":
          return log(command.level, command.text)
        case "End":
          if (command.message !== undefined) TerminationLog.write(env, command.message)
          server?.close()
          return resolve(command.status)
      }
    }

    function take(event: Life.Event): void {
      const turn = Life.next(state, event)
      const before = state._tag
      state = turn.state
      figures = { ...figures, phase: phaseOf(state) }
      for (const command of turn.commands) carryOut(command)
      if (before !== "Waiting") lookLater()
    }

    const open = async (): Promise<void> => {
      // A wrong HEALTH_PORT is for the installer to refuse, together with everything else that is wrong.
      if (place._tag === "Nowhere" && errand === "wait")
        log("warn", "KATA_DEPLOY_HEALTH_FD is not set, so there is no health server.")
      if (place._tag === "Port" || place._tag === "Descriptor")
        server = await HealthServer.open({
          place: place._tag === "Port" ? { port: place.port } : { fd: place.fd },
          state: () => healthOf(state),
          metrics: () => ({ body: Metrics.render(figures), contentType: Metrics.contentType }),
          onLeft: Lean.tidy(),
          onTrouble: (error) => log("warn", `The health server had trouble: ${error.message}`),
        })
    }

    const isNoDescriptor = place._tag === "Wrong" && errand === "wait"
    supervision.onSignal((signal) => take({ _tag: "Asked", signal }))
    if (isNoDescriptor)
      return take({
        _tag: "NotOpened",
        status: 2,
        why: `KATA_DEPLOY_HEALTH_FD is ${JSON.stringify(place.text)}, which is no file descriptor. Leave it unset to wait without a health server.`,
      })
    open().then(
      () => {
        if (server !== undefined) {
          supervision.onListening?.(server.address?.port)
          log("info", `The health server listens on port ${server.address?.port ?? "of the given socket"}.`)
        }
        if (state._tag === "Ended") server?.close()
        take({ _tag: "Opened" })
      },
      (error: NodeJS.ErrnoException) =>
        take({ _tag: "NotOpened", status: 3, why: notListening(place, error) }),
    )
  })
