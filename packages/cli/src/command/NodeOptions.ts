/**
 * Answers: where is the host, and what may be asked? The flags of that kind, and their variables, decoded.
 */
import { HostPath, type Problem, SettingsGrammar } from "@kata-deploy/core"
import type { NodeHostShell } from "@kata-deploy/host"
import { Result } from "effect"
import type { Surroundings } from "../Surroundings.ts"
import * as Arguments from "./Arguments.ts"
import * as GivenValue from "./GivenValue.ts"

/** How the API is reached. */
export type KubeMode = "auto" | "in-cluster" | "kubeconfig" | "none"

/** Directory of this process with the component archives, where nothing else is said. */
export const usualArtifacts = "/opt/kata-artifacts"

/** Where the host is, and what may be asked. */
export interface NodeOptions {
  /** Directory of this process with a whole host tree; `undefined` for the mounts of the pod. */
  readonly hostRoot: string | undefined
  /** Directory of this process with the component archives. */
  readonly artifacts: string
  /** How the API is reached; `none`: not at all. */
  readonly kube: KubeMode
  /** Kubeconfig of this process that was named. */
  readonly kubeconfig: string | undefined
  /** Context of a kubeconfig that was named. */
  readonly context: string | undefined
  /** How units are controlled. */
  readonly systemd: NodeHostShell.Mode
  /** The CRI runtime that the operator names. */
  readonly criRuntime: string | undefined
  /** Host directory of ledger and staging. */
  readonly stateDir: HostPath.HostPath | undefined
  /** Settings file of this process. */
  readonly config: string | undefined
  /** File of this process with the key that the artifacts' checksums are signed with. */
  readonly publicKey: string | undefined
}

/** A kubeconfig that is named and not to be read: which of the two was meant is not for us to guess. */
const contradiction = (name: string, value: string, kube: KubeMode): Problem.Problem => ({
  code: "E_FLAGS_CONTRADICT",
  setting: `--${name}`,
  value,
  message: `--${name} names what a kubeconfig holds, but --kube ${kube} reads none.`,
  remedy: `Leave out --${name}, or pass --kube kubeconfig.`,
})

/** Decodes the flags about the host; problems are collected. */
export const decode = (
  args: Arguments.Arguments,
  surroundings: Surroundings,
): { readonly options: NodeOptions; readonly problems: ReadonlyArray<Problem.Problem> } => {
  const problems: Array<Problem.Problem> = []
  const find = GivenValue.finder(args, surroundings, problems)
  const path = GivenValue.pathFinder(find, surroundings)
  const hostPath = (name: string): HostPath.HostPath | undefined => {
    const found = find(name)
    if (found === undefined) return undefined
    const result = SettingsGrammar.hostPath(found.text)
    if (Result.isSuccess(result)) return HostPath.make(result.success)
    problems.push(Arguments.wrongValue(found.where, found.text, result.failure))
    return undefined
  }
  const kube = (find("kube")?.text ?? "auto") as KubeMode
  const kubeconfig = path("kubeconfig")
  const context = find("context")?.text
  if (kube === "none" || kube === "in-cluster")
    for (const [name, value] of Object.entries({ kubeconfig, context }))
      if (value !== undefined) problems.push(contradiction(name, value, kube))
  const options: NodeOptions = {
    hostRoot: path("host-root"),
    artifacts: path("artifacts") ?? usualArtifacts,
    kube,
    kubeconfig,
    context,
    systemd: (find("systemd")?.text ?? "auto") as NodeHostShell.Mode,
    criRuntime: find("cri-runtime")?.text,
    stateDir: hostPath("state-dir"),
    config: path("config"),
    publicKey: path("public-key"),
  }
  return { options, problems }
}
