/**
 * Answers: which ways lead to the host's systemd from here? Its private socket, the system bus, and its `systemctl` in
 * its own namespaces; for another root than this machine's only what lies below that root.
 */
import { existsSync } from "node:fs"
import process from "node:process"
import { type HostLayout, HostPath } from "@kata-deploy/core"
import { Clock, Effect } from "effect"
import * as Program from "../Program.ts"
import * as SeenPath from "../SeenPath.ts"
import type { BusFailure } from "./BusFailure.ts"
import * as Conversation from "./Conversation.ts"
import * as Journal from "./Journal.ts"
import type { Refusal, Way } from "./Route.ts"
import * as SocketWire from "./SocketWire.ts"
import * as SystemdCalls from "./SystemdCalls.ts"
import * as SystemdUnits from "./SystemdUnits.ts"
import * as Systemctl from "./Systemctl.ts"

/** systemd's own socket, which takes root only. */
const privateSocket = HostPath.make("/run/systemd/private")

/** The system bus. */
const busSocket = HostPath.make("/run/dbus/system_bus_socket")

/** The ways, best first. */
export const of = (
  layout: HostLayout.HostLayout,
  run: Program.RunProgram = Program.run,
): ReadonlyArray<Way> => {
  const unitLog = Journal.make(run, Journal.reachOf(layout))
  const socket = (path: HostPath.HostPath, peer: Conversation.Peer, name: string): Way => {
    const seen = SeenPath.resolve(layout, path)
    const open = Conversation.open(SocketWire.open(seen._tag === "At" ? seen.path : ""), peer)
    return {
      modes: ["auto", "dbus"],
      name: `${name} ${path}`,
      probe: Effect.andThen(
        reachable(seen),
        Effect.scoped(
          Effect.flatMap(open, (on) => on.call(SystemdCalls.ping)).pipe(Effect.mapError(refusalOf)),
        ),
      ),
      acts: SystemdUnits.make({ open, unitLog }),
    }
  }
  return [
    socket(privateSocket, "systemd", "systemd's private socket"),
    socket(busSocket, "bus", "the system bus"),
    nsenter(layout, run),
  ]
}

const reachable = (seen: SeenPath.SeenPath): Effect.Effect<void, Refusal> =>
  Effect.suspend(() => {
    switch (seen._tag) {
      case "OutOfSight":
        return Effect.fail<Refusal>({ how: "out-of-sight", why: "it is not mounted here" })
      case "ThroughLink":
        return Effect.fail<Refusal>({
          how: "out-of-sight",
          why: `${seen.link} is a link, which may lead to this machine's own`,
        })
      case "At":
        return existsSync(seen.path)
          ? Effect.void
          : Effect.fail<Refusal>({ how: "out-of-sight", why: `${seen.path} is not there` })
    }
  })

const refusalOf = (failure: BusFailure): Refusal => ({ how: "failed", why: failure.message })

/** Enters the namespaces of process 1, which is the host's systemd where the PID namespace is the host's. */
const entering = ["nsenter", "--target", "1", "--mount", "--uts", "--ipc", "--net", "--pid", "--"] as const

const nsenter = (layout: HostLayout.HostLayout, run: Program.RunProgram): Way => {
  const probe = Effect.gen(function* () {
    const { code, stderr } = yield* Effect.mapError(
      run([...entering, "systemctl", "show", "--property=Version"], 60),
      (reason): Refusal => ({ how: "failed", why: Program.describe("nsenter", reason) }),
    )
    if (code === 0) return
    const why = stderr.trim().split("\n")[0] ?? `exit code ${code}`
    return yield* Effect.fail<Refusal>({
      how: "failed",
      why: `${why}; it needs root, and a pod needs hostPID and privilege`,
    })
  })
  return {
    modes: ["auto", "nsenter"],
    name: "the host's systemctl, through nsenter",
    probe: SeenPath.isForeignRoot(layout)
      ? Effect.fail({ how: "out-of-sight", why: "it would control this machine, not the host tree" })
      : probe,
    acts: Systemctl.make({
      run,
      prefix: entering,
      now: Effect.map(Clock.currentTimeMillis, (epoch) => ({
        epoch,
        monotonic: Number(process.hrtime.bigint() / 1000n),
      })),
      unitLog: Journal.make(run, { prefix: entering, flags: [] }),
    }),
  }
}
