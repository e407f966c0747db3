import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Life from "../../src/supervisor/Life.ts"

const ok: Life.Event = { _tag: "ChildEnded", end: { _tag: "Exited", code: 0 }, said: [] }
const exited = (code: number, ...said: ReadonlyArray<string>): Life.Event => ({
  _tag: "ChildEnded",
  end: { _tag: "Exited", code },
  said,
})
const killed = (outOfMemory: boolean | undefined): Life.Event => ({
  _tag: "ChildEnded",
  end: { _tag: "Killed", signal: "SIGKILL", outOfMemory },
  said: [],
})
const opened: Life.Event = { _tag: "Opened" }
const term: Life.Event = { _tag: "Asked", signal: "SIGTERM" }
const int: Life.Event = { _tag: "Asked", signal: "SIGINT" }
const passed = (deadline: Life.Deadline): Life.Event => ({ _tag: "Passed", deadline })

/** Everything but what is said, in short: `start install`, `SIGTERM`, `installer-overdue after 270`, `end 0`. */
const short = (command: Life.Command): ReadonlyArray<string> => {
  switch (command._tag) {
    case "Start":
      return [`start ${command.job}`]
    case "Signal":
      return [command.signal]
    case "Await":
      return [`${command.deadline} after ${command.seconds}`]
    case "End":
      return [`end ${command.status}`]
    case "Say":
      return []
  }
}

const live = (errand: Life.Errand, ...events: ReadonlyArray<Life.Event>) => {
  let state: Life.State = { _tag: "Starting", errand }
  const commands: Array<Life.Command> = []
  for (const event of events) {
    const turn = Life.next(state, event)
    state = turn.state
    commands.push(...turn.commands)
  }
  const message = commands.findLast((command) => command._tag === "End")?.message
  return { state: state._tag, done: commands.flatMap(short), message }
}

const deadlines = ["cleanup-overdue after 510", "cleanup-lost after 540"]

const lives: ReadonlyArray<
  readonly [name: string, errand: Life.Errand, events: ReadonlyArray<Life.Event>, done: ReadonlyArray<string>]
> = [
  ["installs and waits", "install-and-stay", [opened, ok], ["start install"]],
  [
    "cleans up at the end of the pod and ends with 0",
    "install-and-stay",
    [opened, ok, term, ok],
    ["start install", ...deadlines, "start cleanup", "end 0"],
  ],
  [
    "stops the installer, then cleans up, however the installer ended",
    "install-and-stay",
    [opened, term, exited(1), ok],
    ["start install", "SIGTERM", "installer-overdue after 270", ...deadlines, "start cleanup", "end 0"],
  ],
  [
    "cleans up an installer that was done just before it could be stopped",
    "install-and-stay",
    [opened, term, ok, ok],
    ["start install", "SIGTERM", "installer-overdue after 270", ...deadlines, "start cleanup", "end 0"],
  ],
  [
    "decides on a cleanup even before it has begun, for an earlier pod may have installed",
    "install-and-stay",
    [term, opened, ok],
    [...deadlines, "start cleanup", "end 0"],
  ],
  [
    "ends with the status of a failed install",
    "install-and-stay",
    [opened, exited(3)],
    ["start install", "end 3"],
  ],
  [
    "ends with 137 when the installer was killed",
    "install-and-stay",
    [opened, killed(true)],
    ["start install", "end 137"],
  ],
  ["installs and ends", "install-and-leave", [opened, ok], ["start install", "end 0"]],
  [
    "cleans up when it is stopped while it installs",
    "install-and-leave",
    [opened, term, exited(1), ok],
    ["start install", "SIGTERM", "installer-overdue after 270", ...deadlines, "start cleanup", "end 0"],
  ],
  ["waits only", "wait", [opened, term, exited(1)], [...deadlines, "start cleanup", "end 0"]],
  [
    "takes a second SIGTERM for the kubelet's repetition",
    "install-and-stay",
    [opened, ok, term, term, term, ok],
    ["start install", ...deadlines, "start cleanup", "end 0"],
  ],
  [
    "takes a second SIGINT for a person's wish to end at the next safe point",
    "install-and-stay",
    [opened, ok, int, int, exited(1)],
    ["start install", ...deadlines, "start cleanup", "SIGTERM", "end 0"],
  ],
  [
    "cleans nothing up when a second SIGINT comes while the installer stops",
    "install-and-stay",
    [opened, int, int, exited(1)],
    ["start install", "SIGTERM", "installer-overdue after 270", ...deadlines, "end 0"],
  ],
  [
    "kills an installer that does not stop, and cleans up in the time that is left",
    "install-and-stay",
    [opened, term, passed("installer-overdue"), killed(false), ok],
    [
      "start install",
      "SIGTERM",
      "installer-overdue after 270",
      ...deadlines,
      "SIGKILL",
      "start cleanup",
      "end 0",
    ],
  ],
  [
    "stops a cleanup that takes too long, kills it in the end, and still ends with 0",
    "wait",
    [opened, term, passed("cleanup-overdue"), passed("cleanup-lost"), killed(false)],
    [...deadlines, "start cleanup", "SIGTERM", "SIGKILL", "end 0"],
  ],
  [
    "lets deadlines pass that are about nothing any more",
    "install-and-stay",
    [opened, passed("installer-overdue"), ok, passed("cleanup-lost"), passed("cleanup-overdue")],
    ["start install"],
  ],
]

describe("a supervised life", () => {
  for (const [name, errand, events, done] of lives) {
    it(name, () => assert.deepStrictEqual(live(errand, ...events).done, done))
  }

  it("ends at once where the port cannot be had", () => {
    const { done, message } = live("install-and-stay", { _tag: "NotOpened", status: 3, why: "taken" })
    assert.deepStrictEqual(done, ["end 3"])
    assert.strictEqual(message, "taken")
  })

  it("tells the kubelet what the installer said of its failure", () => {
    const { message } = live("install-and-stay", opened, exited(3, "No archive. Fetch it.", "No space"))
    assert.strictEqual(message, "No archive. Fetch it. No space.")
  })

  it("tells the kubelet what a killed installer died of", () => {
    const message = (outOfMemory: boolean | undefined) =>
      live("install-and-stay", opened, killed(outOfMemory)).message ?? ""
    assert.match(message(true), /out of memory\. Raise resources\.limits\.memory/)
    assert.match(message(false), /not for want of memory in this container/)
    assert.match(message(undefined), /most likely/)
  })

  it("tells the kubelet what of the cleanup did not fit", () => {
    const { message } = live(
      "wait",
      opened,
      term,
      passed("cleanup-overdue"),
      exited(1, "Stage revert-cri stands."),
    )
    assert.match(message ?? "", /^The cleanup did not fit into 540 seconds\. .*Stage revert-cri stands\./)
    assert.match(message ?? "", /kata-deploy cleanup/)
  })

  it("never has two children at once, and nothing follows its end", () => {
    const event = fc.constantFrom(
      opened,
      ok,
      exited(1),
      term,
      int,
      killed(undefined),
      passed("installer-overdue"),
      passed("cleanup-overdue"),
      passed("cleanup-lost"),
    )
    fc.assert(
      fc.property(
        fc.constantFrom<Life.Errand>("install-and-stay", "install-and-leave", "wait"),
        fc.array(event),
        (errand, events) => {
          let state: Life.State = { _tag: "Starting", errand }
          let children = 0
          let ended = false
          for (const next of events) {
            // A child cannot end that does not run.
            if (next._tag === "ChildEnded" && children === 0) continue
            if (next._tag === "ChildEnded") children -= 1
            const turn = Life.next(state, next)
            state = turn.state
            assert.isFalse(ended && turn.commands.length > 0)
            children += turn.commands.filter(({ _tag }) => _tag === "Start").length
            assert.isAtMost(children, 1)
            if (turn.commands.some(({ _tag }) => _tag === "End")) {
              ended = true
              assert.strictEqual(children, 0)
            }
          }
        },
      ),
    )
  })
})
