/** A node in memory with containerd 2.1, controlled units and nydus in the artifact directory. */
import { Effect } from "effect"
import { type FileState, Ledger, Run, SetMode } from "../../src/index.ts"
import { HostShellMemory } from "../../src/testing/index.ts"
import { hosts, type SampleHost } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!

/** The programs of nydus. */
export const programs = {
  "nydus-snapshotter/containerd-nydus-grpc": "grpc",
  "nydus-snapshotter/nydus-overlayfs": "overlayfs",
  "nydus-snapshotter/nydus-image": "image",
}

/** The drop-in of an install. */
export const dropIn = Node.path("/opt/kata/containerd/config.d/kata-deploy.toml")

/** The unit of the CRI runtime. */
export const unit = "containerd.service"

/** Settings that map qemu to guest pull. */
export const guestPull = {
  SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus",
  PULL_TYPE_MAPPING_X86_64: "qemu:guest-pull",
  EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus",
}

/** Makes a node. */
export const make = (
  options: {
    /** Another host than a vanilla one with containerd 2.1; its units are out of reach. */
    readonly host?: SampleHost
    readonly programs?: Readonly<Record<string, string>>
    readonly tree?: Readonly<Record<string, FileState.FileState | string>>
  } = {},
) => {
  const { host = vanilla } = options
  const files = Node.host({ ...host.tree, ...options.tree }, { programs: options.programs ?? programs })
  const shell = HostShellMemory.make(
    options.host === undefined ? { units: { [unit]: "active" } } : { control: Node.notAsked },
  )
  const on = <A, E>(effect: Effect.Effect<A, E, Run.Requirements>): Effect.Effect<A, E> =>
    Effect.provide(effect, Node.layer(files, shell))
  const request = (
    action: Run.Request["action"],
    variables: Readonly<Record<string, string>> = guestPull,
  ): Run.Request => Node.request(action, { ...host.variables, ...variables })
  const setMode = (
    apply: SetMode.SetModeRequest["apply"],
    mode: SetMode.SetModeRequest["wish"]["mode"],
    { shim = "qemu", variables = guestPull as Readonly<Record<string, string>> } = {},
  ) => {
    const { action: _, ...rest } = request("install", variables)
    return on(SetMode.run({ ...rest, apply, wish: { shim, mode } }))
  }
  /** The file's text; empty where there is none. */
  const text = (path: string): string => {
    const state = files.tree.get(Node.path(path))
    return state._tag === "File" ? state.text : ""
  }
  const ledger = () => {
    const found = Ledger.from(files.tree.get(Node.path("/opt/kata/.kata-deploy/ledger.json")))
    return found._tag === "Read" ? found.ledger : undefined
  }
  const asked = () => shell.faults.operations.map(({ subject, verb }) => `${verb} ${subject}`.trim())
  const forget = () => {
    files.faults.reset()
    shell.faults.reset()
  }
  return { files, shell, on, request, setMode, text, ledger, asked, forget }
}

/** A node with an install in guest pull, and its tree as it was before. */
export const installed = Effect.fnUntraced(function* (options: Parameters<typeof make>[0] = {}) {
  const node = make(options)
  const fresh = Node.snapshot(node.files)
  yield* node.on(Run.run(node.request("install")))
  node.forget()
  return { ...node, fresh }
})

/** The codes of what a run failed with. */
export const codes = (error: Run.RunError): ReadonlyArray<string> =>
  "problems" in error ? error.problems.map(({ code }) => code) : [error._tag]
