/** A node in memory that knows which configuration its CRI runtime has loaded. */
import { Effect, Layer } from "effect"
import { Fact, FileState, HostShell, type Plan, Run } from "../../src/index.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

/** What may die or fail. */
export const ports = ["files", "shell", "api"] as const
const main = Node.path("/etc/containerd/config.toml")

/** What is run, and with which shims. */
export type Wish = readonly [action: Plan.ActionName, shims: string]
/** The same for people. */
export const words = ([action, shims]: Wish): string => `${action} of ${shims}`

/** A node that knows what its runtime has loaded. */
export const make = () => {
  const node = SystemdNode.make()
  const onDisk = () =>
    [main, SystemdNode.dropIn].map((path) => FileState.textOf(node.files.tree.get(path)) ?? "").join("\n")
  let loaded = onDisk()
  const read = Effect.sync(() => void (loaded = onDisk()))
  const loading = Effect.map(HostShell.HostShell, (real) =>
    HostShell.HostShell.of({
      ...real,
      unit: (verb, name, takenOn = Effect.void) =>
        real.unit(verb, name, verb === "restart" ? Effect.andThen(read, takenOn) : takenOn),
    }),
  )
  const run = ([action, shims]: Wish) => {
    const wish = Node.request(action, { ...SystemdNode.host.variables, SHIMS_X86_64: shims })
    return node.on(Effect.provide(Run.run(wish), Layer.effect(HostShell.HostShell, loading)))
  }
  const reset = () => {
    for (const port of ports) node[port].faults.reset()
  }
  /** Whether the runtime is seen to serve what it has loaded; a configuration of which it serves nothing is taken back. */
  const serves = (what: "nothing of ours" | "whatever") => {
    node.shell.sight.cri =
      what === "whatever"
        ? Fact.unknown("out-of-sight", "its socket is not mounted here")
        : Fact.known({ runtime: "containerd 2.1.9", ready: true, handlers: ["runc"] })
  }
  const shows = Effect.flatMap(HostShell.HostShell, (shell) => shell.unitRun(SystemdNode.unit))
  /** The runtime ends and starts anew without us, with what is on disk. */
  const reboot = node.on(
    Effect.gen(function* () {
      for (const state of ["inactive", "active"] as const) {
        node.shell.units.set(SystemdNode.unit, state)
        yield* shows
      }
      yield* read
    }),
  )
  return { node, run, reset, serves, reboot, loaded: () => loaded, onDisk }
}
