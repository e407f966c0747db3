/**
 * Answers: which API server is asked, and who are we to it? Chosen as kubectl chooses, with one difference: in a pod
 * its own account comes before `~/.kube/config`. See docs/decisions/0013-which-cluster.md.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Data, Effect } from "effect"
import { Problem } from "@kata-deploy/core"
import type { Credentials } from "./Transport.ts"

/** The API server and our identity there. */
export interface Access {
  readonly source: "in-cluster" | "kubeconfig"
  /** Where requests go, without a path of its own unless the server is behind one. */
  readonly server: URL
  /** Our own namespace: that of the service account, or of the context. */
  readonly namespace: string
  /** What is used, for people: `the service account of this pod`, `context lab of /root/.kube/config`. */
  readonly described: string
  /** Read afresh for each request, so that a rotated token or certificate is used at once. */
  readonly credentials: Effect.Effect<Credentials, CredentialsError>
}

/** Our credentials cannot be had; says so without showing them. */
export class CredentialsError extends Data.TaggedError("CredentialsError")<{
  /** Why, as a clause. */
  readonly detail: string
  /** What to do about it. */
  readonly remedy: string
}> {
  override get message(): string {
    return this.detail
  }
}

/** How the API server is to be found. */
export type Mode = "auto" | "in-cluster" | "kubeconfig"

/** What the choice goes by. */
export interface Options {
  readonly mode: Mode
  /** A kubeconfig file that was named. */
  readonly kubeconfig?: string | undefined
  /** A context that was named. */
  readonly context?: string | undefined
  /** Environment variables; those of this process when left out. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Where the service account's token, CA and namespace lie; where Kubernetes mounts them when left out. */
  readonly serviceAccountDirectory?: string | undefined
}

/** What there is to choose from. */
export interface Choices {
  /** `--kubeconfig` or `--context` was given. */
  readonly named: boolean
  /** `KUBECONFIG` is set. */
  readonly variable: boolean
  /** `KUBERNETES_SERVICE_HOST` is set. */
  readonly serviceHost: boolean
  /** The service account's token is there. */
  readonly token: boolean
  /** `~/.kube/config` is there. */
  readonly homeFile: boolean
}

/** What `auto` comes to. */
export const choose = (choices: Choices): "in-cluster" | "kubeconfig" | "nothing" => {
  if (choices.named || choices.variable) return "kubeconfig"
  if (choices.serviceHost && choices.token) return "in-cluster"
  return choices.homeFile ? "kubeconfig" : "nothing"
}

/** Where Kubernetes mounts the files of a service account. */
export const serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

const isSet = (text: string | undefined): boolean => text !== undefined && text.trim() !== ""

/** What lies there and is set here. */
export const lookAround = (options: Options): Choices => {
  const environment = options.environment ?? process.env
  const home = environment["HOME"]
  return {
    named: options.kubeconfig !== undefined || options.context !== undefined,
    variable: isSet(environment["KUBECONFIG"]),
    serviceHost: isSet(environment["KUBERNETES_SERVICE_HOST"]),
    token: existsSync(join(options.serviceAccountDirectory ?? serviceAccountDirectory, "token")),
    homeFile: isSet(home) && existsSync(join(home!, ".kube", "config")),
  }
}

/** The problem that no API server is known. */
export const nothingToAsk = (choices: Choices): Problem.Problem => ({
  code: "E_NO_API_SERVER",
  setting: "--kube",
  value: "auto",
  message: choices.serviceHost
    ? "This looks like a pod, but the token of its service account is not mounted, and there is no kubeconfig; so the API server cannot be asked about the node."
    : "No API server is known: this is no pod with a service account, and neither --kubeconfig, KUBECONFIG nor ~/.kube/config names a kubeconfig.",
  remedy: choices.serviceHost
    ? "Set automountServiceAccountToken to true in the pod, name a kubeconfig with --kubeconfig FILE, or pass --kube none to leave the node's labels to somebody else."
    : "Name one with --kubeconfig FILE, or pass --kube none to leave the node's labels to somebody else.",
})

/** The access that `options` come to; what is missing or wrong is a problem of settings. */
export const resolve = Effect.fnUntraced(function* (
  options: Options,
): Effect.fn.Return<Access, Problem.SettingsError> {
  const choices = lookAround(options)
  const chosen = options.mode === "auto" ? choose(choices) : options.mode
  if (chosen === "nothing") return yield* new Problem.SettingsError({ problems: [nothingToAsk(choices)] })
  if (chosen === "in-cluster") {
    const InCluster = yield* Effect.promise(() => import("./InCluster.ts"))
    return yield* InCluster.access(options)
  }
  // The kubeconfig reader is large, and a pod never needs it.
  const Kubeconfig = yield* Effect.promise(() => import("./Kubeconfig.ts"))
  return yield* Kubeconfig.access(options)
})
