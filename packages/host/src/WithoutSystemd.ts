/**
 * Answers: what is a host whose units are nobody's business? With `--systemd none` every unit is *unknown, not
 * asked*, restarts stay due, and a plan that wants a unit changed is refused.
 */
import { Fact, HostError, HostShell } from "@kata-deploy/core"
import { Effect, Layer } from "effect"

const notAsked = Fact.unknown("not-asked", "systemd is not to be asked (--systemd none)")

const outOfSight = Fact.unknown("out-of-sight", "nothing looks at it")

const refuse = (operation: string): HostError.HostError =>
  new HostError.HostError({
    operation,
    path: undefined,
    reason: { _tag: "Refused", detail: "units are not to be controlled (--systemd none)" },
  })

/** The port for `--systemd none`. */
export const layer: Layer.Layer<HostShell.HostShell> = Layer.succeed(
  HostShell.HostShell,
  HostShell.HostShell.of({
    control: notAsked,
    route: notAsked.why,
    unitState: () => Effect.succeed(notAsked),
    unitRun: () => Effect.succeed(notAsked),
    unitLog: () => Effect.succeed(notAsked),
    unit: (verb, unit) => Effect.fail(refuse(verb === "reload" ? "reload systemd" : `${verb} ${unit}`)),
    awaitActive: (unit) => Effect.fail(refuse(`wait for ${unit}`)),
    lock: () => Effect.void,
    machine: Effect.succeed({
      kvm: outOfSight,
      vhostVsock: outOfSight,
      mshv: outOfSight,
      selinux: outOfSight,
      kernel: { sysModules: undefined, procModules: undefined, procConfig: undefined, bootConfig: undefined },
      mkfsErofs: { _tag: "Unknown", why: outOfSight.why },
      machineId: { _tag: "Absent" },
    }),
    usersOf: () => Effect.succeed(outOfSight),
    criStatus: () => Effect.succeed(outOfSight),
    sandboxes: () => Effect.succeed(outOfSight),
  }),
)
