/**
 * Answers: who is a pod to its API server? Its service account: address from the environment, token, CA and namespace
 * from the mounted files, which the kubelet renews while we run.
 */
import { readFile } from "node:fs/promises"
import { isIPv6 } from "node:net"
import { join } from "node:path"
import { Problem } from "@kata-deploy/core"
import { Effect, Option } from "effect"
import { type Access, CredentialsError, type Options, serviceAccountDirectory } from "./Access.ts"
import type { Credentials } from "./Transport.ts"

const read = (path: string): Effect.Effect<string, CredentialsError> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (error) =>
      new CredentialsError({
        detail: `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
        remedy:
          "Mount the service account's token into the pod (automountServiceAccountToken, or a projected volume).",
      }),
  })

/** Token and CA as they are now; small files in memory, so reading them each time costs nothing that counts. */
const credentialsIn = Effect.fnUntraced(function* (
  directory: string,
): Effect.fn.Return<Credentials, CredentialsError> {
  const token = (yield* read(join(directory, "token"))).trim()
  const ca = yield* read(join(directory, "ca.crt"))
  if (token === "")
    return yield* new CredentialsError({
      detail: `${join(directory, "token")} is empty`,
      remedy: "Restart the pod, so that the kubelet mounts a token.",
    })
  return { headers: { authorization: `Bearer ${token}` }, ca }
})

const notInPod = (): Problem.SettingsError =>
  new Problem.SettingsError({
    problems: [
      {
        code: "E_NOT_IN_A_POD",
        setting: "--kube",
        value: "in-cluster",
        message:
          "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this does not run in a pod, and its API server is not known.",
        remedy: "Run it in a pod, name a kubeconfig with --kubeconfig FILE, or pass --kube none.",
      },
    ],
  })

/** The API server of the pod that we run in. */
export const access = Effect.fnUntraced(function* (
  options: Options,
): Effect.fn.Return<Access, Problem.SettingsError> {
  const environment = options.environment ?? process.env
  const host = environment["KUBERNETES_SERVICE_HOST"]?.trim()
  const port = environment["KUBERNETES_SERVICE_PORT"]?.trim()
  const directory = options.serviceAccountDirectory ?? serviceAccountDirectory
  if (host === undefined || host === "" || port === undefined || port === "") return yield* notInPod()
  const server = URL.parse(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`)
  if (server === null) return yield* notInPod()
  const namespace = yield* Effect.option(read(join(directory, "namespace")))
  return {
    source: "in-cluster",
    server,
    namespace: Option.getOrElse(namespace, () => "").trim() || "default",
    described: `the service account of this pod (${directory})`,
    credentials: credentialsIn(directory),
  }
})
