/** A node in memory whose units are controlled and whose Node object is reached, for tests of the life cycle. */
import { Effect, Layer } from "effect"
import { Fact, HostShell, type NodeApi, type Run } from "../../src/index.ts"
import { HostShellMemory, NodeApiMemory } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

/** The kind of host. */
export const host = hosts.find((each) => each.name === "vanilla containerd 2.1")!

/** The unit of its CRI runtime. */
export const unit = "containerd.service"

/** The drop-in of an install. */
export const dropIn = Node.path("/opt/kata/containerd/config.d/kata-deploy.toml")

/** A node with its controls. */
export interface SystemdNode {
  readonly files: ReturnType<typeof Node.host>
  readonly shell: HostShellMemory.HostShellMemory
  readonly api: NodeApiMemory.NodeApiMemory
  /** Runs an effect on the node. */
  readonly on: <A, E>(effect: Effect.Effect<A, E, Run.Requirements>) => Effect.Effect<A, E>
}

/** What a node starts with. */
export interface Options {
  /** What the unit becomes at its restarts, one after the other; `active` at all later ones. */
  readonly restarts?: ReadonlyArray<"active" | "failed">
  readonly labels?: NodeApi.NodeFacts["labels"]
  readonly api?: NodeApiMemory.Options
}

/** Makes a node. */
export const make = ({ api: rest = {}, labels = {}, restarts = [] }: Options = {}): SystemdNode => {
  const files = Node.host(host.tree)
  const shell = HostShellMemory.make({ units: { [unit]: "active" } })
  const api = NodeApiMemory.make({
    node: Fact.known({
      containerRuntimeVersion: "containerd://2.1.5",
      labels,
      runtimeHandlers: undefined,
    }),
    ...rest,
  })
  const coming = [...restarts]
  const restarting = Layer.effect(
    HostShell.HostShell,
    Effect.map(HostShell.HostShell, (service) => ({
      ...service,
      unit: (verb: HostShell.UnitVerb, name: string, takenOn?: Effect.Effect<void>) =>
        Effect.suspend(() => {
          if (verb === "restart") shell.afterRestart.set(name, coming.shift() ?? "active")
          return service.unit(verb, name, takenOn)
        }),
    })),
  ).pipe(Layer.provide(shell.layer))
  const layer = Node.layer(files, { ...shell, layer: restarting }, api)
  return { files, shell, api, on: (effect) => Effect.provide(effect, layer) }
}

/** A request for the node. */
export const request = (action: Run.Request["action"], conduct: Partial<Run.Conduct> = {}): Run.Request => ({
  ...Node.request(action, host.variables),
  conduct,
})

/** How often something was asked of the node's units, as `verb unit`. */
export const asked = ({ shell }: SystemdNode, verb: string): number =>
  shell.faults.operations.filter((operation) => operation.verb === verb).length
