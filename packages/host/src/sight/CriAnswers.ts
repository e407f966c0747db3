/**
 * Answers: what do the answers of a CRI runtime mean? Whatever is not as expected is left out or unknown; what a
 * runtime says is never trusted to have a shape.
 */
import type { HostSight } from "@kata-deploy/core"
import { Option, Schema } from "effect"

/** Text, or none for what is no text. */
const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}

const listOf = (value: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  Array.isArray(value) ? value.map(recordOf) : []

/** `containerd 1.7.24`, without the `v` that some put in front of the number. */
export const runtimeOf = (version: Readonly<Record<string, unknown>>): string =>
  `${textOf(version["runtimeName"])} ${textOf(version["runtimeVersion"]).replace(/^v(?=[0-9])/, "")}`.trim()

/** Whether the condition `RuntimeReady` holds; a network that is not ready yet is another matter. */
export const isReady = (status: Readonly<Record<string, unknown>>): boolean =>
  listOf(recordOf(status["status"])["conditions"]).some(
    ({ status: holds, type }) => type === "RuntimeReady" && holds === true,
  )

const Configuration = Schema.fromJsonString(
  Schema.Struct({ containerd: Schema.Struct({ runtimes: Schema.Record(Schema.String, Schema.Unknown) }) }),
)

/**
 * Names of the handlers, sorted: containerd 2.x lists them, 1.x shows the configuration in force when it is asked for
 * more. `undefined` where neither says. The default handler has no name of its own.
 */
export const handlersOf = (status: Readonly<Record<string, unknown>>): ReadonlyArray<string> | undefined => {
  const listed = listOf(status["runtimeHandlers"]).map(({ name }) => textOf(name))
  if (listed.length > 0) return [...new Set(listed)].filter((name) => name !== "").sort()
  const config = Schema.decodeUnknownOption(Configuration)(recordOf(status["info"])["config"])
  return Option.getOrUndefined(
    Option.map(config, ({ containerd }) => Object.keys(containerd.runtimes).sort()),
  )
}

/** Sandboxes that are ready, sorted by id; the filter is the server's affair, so the state is looked at again. */
export const sandboxesOf = (
  list: Readonly<Record<string, unknown>>,
): ReadonlyArray<HostSight.RunningSandbox> =>
  listOf(list["items"])
    .filter(({ state }) => state === 0)
    .map((sandbox) => {
      const { name, namespace } = recordOf(sandbox["metadata"])
      return {
        id: textOf(sandbox["id"]),
        pod: `${textOf(namespace)}/${textOf(name)}`,
        handler: textOf(sandbox["runtimeHandler"]),
      }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
