/**
 * Answers: who are we to the API server of a kubeconfig? Reading it, its plugins and its proxies are client-node's work;
 * several files in `KUBECONFIG` are merged as kubectl does it, where the first one wins.
 */
import { existsSync, readFileSync } from "node:fs"
import { delimiter, dirname, join, resolve } from "node:path"
import type { RequestOptions } from "node:https"
import { Problem } from "@kata-deploy/core"
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js"
import { Effect } from "effect"
import { parse } from "yaml"
import { type Access, CredentialsError, type Options } from "./Access.ts"
import type { Credentials } from "./Transport.ts"

const settingsError = (
  setting: string,
  value: string | undefined,
  message: string,
  remedy: string,
): Problem.SettingsError =>
  new Problem.SettingsError({
    problems: [{ code: "E_KUBECONFIG", setting, ...(value === undefined ? {} : { value }), message, remedy }],
  })

interface Named {
  readonly setting: string
  readonly files: ReadonlyArray<string>
}

/** The files that are to be read, by whoever named them. */
const filesOf = (options: Options): Named => {
  const environment = options.environment ?? process.env
  if (options.kubeconfig !== undefined)
    return { setting: "--kubeconfig", files: [resolve(options.kubeconfig)] }
  const variable = environment["KUBECONFIG"]?.trim()
  if (variable !== undefined && variable !== "")
    return {
      setting: "KUBECONFIG",
      files: variable
        .split(delimiter)
        .filter((file) => file !== "")
        .map((file) => resolve(file)),
    }
  return { setting: "--kubeconfig", files: [join(environment["HOME"] ?? "/", ".kube", "config")] }
}

/** Why a file could not be read, without the part of it that a parser would show: it may be a secret. */
const whyUnreadable = (error: unknown): string => {
  const { code, mark, reason } = error as {
    readonly code?: unknown
    readonly mark?: { readonly line?: number }
    readonly reason?: unknown
  }
  if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return code
  if (typeof reason === "string") return `line ${(mark?.line ?? 0) + 1}: ${reason}`
  return "it has another shape than a kubeconfig"
}

/** What of a kubeconfig client-node takes no notice of. */
interface RawUsers {
  readonly users?: ReadonlyArray<{ readonly name: string; readonly user?: { readonly tokenFile?: string } }>
}

/** Users with a `tokenFile` read it again and again, as kubectl does; client-node 2.0.1 passes that field over. */
const withTokenFiles = (config: KubeConfig, file: string, { users }: RawUsers): void => {
  config.users = config.users.map((user) => {
    const tokenFile = users?.find(({ name }) => name === user.name)?.user?.tokenFile
    if (tokenFile === undefined) return user
    const { token: _, ...rest } = user
    const provider = { name: "tokenFile", config: { tokenFile: resolve(dirname(file), tokenFile) } }
    return { ...rest, authProvider: provider }
  })
}

/** Adds what `from` has and `to` has not. */
const mergeMissing = (to: KubeConfig, from: KubeConfig): void => {
  const has = (list: ReadonlyArray<{ readonly name: string }>, name: string): boolean =>
    list.some((entry) => entry.name === name)
  for (const entry of from.clusters) if (!has(to.clusters, entry.name)) to.addCluster(entry)
  for (const entry of from.users) if (!has(to.users, entry.name)) to.addUser(entry)
  for (const entry of from.contexts) if (!has(to.contexts, entry.name)) to.addContext(entry)
  if (!to.currentContext) to.currentContext = from.currentContext
}

const load = Effect.fnUntraced(function* ({
  files,
  setting,
}: Named): Effect.fn.Return<KubeConfig, Problem.SettingsError> {
  // Only this module: the package's index brings every object of the API along.
  const { KubeConfig } = yield* Effect.promise(() => import("@kubernetes/client-node/dist/config.js"))
  const merged = new KubeConfig()
  // kubectl takes no notice of files of a list that are not there, either.
  const there = files.filter((file) => existsSync(file))
  if (there.length === 0)
    return yield* settingsError(
      setting,
      files.join(delimiter),
      `There is no kubeconfig ${files.join(" and no ")}, so the API server is not known.`,
      "Name one with --kubeconfig FILE, or pass --kube none to leave the node's labels to somebody else.",
    )
  for (const file of there) {
    yield* Effect.try({
      try: () => {
        const one = new KubeConfig()
        one.loadFromFile(file)
        withTokenFiles(one, file, (parse(readFileSync(file, "utf8")) ?? {}) as RawUsers)
        mergeMissing(merged, one)
      },
      catch: (error) =>
        settingsError(
          setting,
          file,
          `The kubeconfig ${file} cannot be read: ${whyUnreadable(error)}.`,
          "Repair it, and check it with kubectl config view.",
        ),
    })
  }
  return merged
})

const sentence = (error: unknown): string => {
  // A parser shows what it could not parse, and that may be a token.
  if (error instanceof SyntaxError) return "its answer is no JSON"
  const { code, message } = error as NodeJS.ErrnoException
  if (code === "ENOENT") return "a program or file that it names does not exist"
  return (message ?? "").trim().split("\n")[0]!.slice(0, 200) || "it gave no reason"
}

/** What client-node makes of user and cluster: certificates, headers of plugins, proxies. */
const credentialsOf = Effect.fnUntraced(function* (
  config: KubeConfig,
  described: string,
): Effect.fn.Return<Credentials, CredentialsError> {
  const options: RequestOptions & { servername?: string } = {}
  yield* Effect.tryPromise({
    try: () => config.applyToHTTPSOptions(options),
    catch: (error) =>
      new CredentialsError({
        detail: `${described} gives no credentials: ${sentence(error)}`,
        remedy: "Log in as for kubectl; kubectl get nodes with the same context has to work first.",
      }),
  })
  const headers = Object.fromEntries(
    Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value).trim()]),
  )
  const hasProxy = Boolean(config.getCurrentCluster()?.proxyUrl)
  return {
    headers: {
      ...headers,
      ...(options.auth ? { authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` } : {}),
    },
    ...(options.ca ? { ca: options.ca as string | Buffer } : {}),
    ...(options.cert ? { cert: options.cert as string | Buffer } : {}),
    ...(options.key ? { key: options.key as string | Buffer } : {}),
    ...(options.servername ? { servername: options.servername } : {}),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
    ...(hasProxy && options.agent
      ? { proxyAgent: options.agent as NonNullable<Credentials["proxyAgent"]> }
      : {}),
  }
})

/** The API server that the kubeconfig's context names. */
export const access = Effect.fnUntraced(function* (
  options: Options,
): Effect.fn.Return<Access, Problem.SettingsError> {
  const named = filesOf(options)
  const where = named.files.join(delimiter)
  const config = yield* load(named)
  const name = options.context ?? config.getCurrentContext()
  if (!name)
    return yield* settingsError(
      "--context",
      undefined,
      `The kubeconfig ${where} has no current context, so it names no API server.`,
      "Pass --context NAME, or choose one with kubectl config use-context.",
    )
  config.setCurrentContext(name)
  const context = config.getContextObject(name)
  const cluster = config.getCurrentCluster()
  const server = cluster === null ? null : URL.parse(cluster.server ?? "")
  if (context === null || cluster === null || server === null) {
    const known = config
      .getContexts()
      .map((one) => one.name)
      .join(", ")
    return yield* settingsError(
      options.context === undefined ? named.setting : "--context",
      name,
      context === null
        ? `The kubeconfig ${where} has no context ${name}; it has ${known || "none"}.`
        : `The context ${name} of ${where} names no cluster with a server that could be asked.`,
      "Pass --context NAME with one that kubectl config get-contexts shows.",
    )
  }
  // There is no certificate to check without TLS; client-node refuses such a server unless it is told so.
  if (server.protocol === "http:")
    config.clusters = config.clusters.map((one) =>
      one.name === cluster.name ? { ...one, skipTLSVerify: true } : one,
    )
  const described = `context ${name} of ${where}`
  return {
    source: "kubeconfig",
    server,
    namespace: context.namespace ?? "default",
    described,
    credentials: credentialsOf(config, described),
  }
})
