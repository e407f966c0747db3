/** Answers: how is what was seen of a host, besides its files, written down? A part of the document of facts. */
import { Schema } from "effect"
import * as FileState from "../model/FileState.ts"
import type { SightFacts } from "./Facts.ts"

/** Schema of a fact: known, or unknown in one of the three ways. */
export const factOf = <S extends Schema.Top>(value: S) =>
  Schema.Union([
    Schema.TaggedStruct("Known", { value }),
    Schema.TaggedStruct("Unknown", {
      how: Schema.Literals(["not-asked", "failed", "out-of-sight"]),
      why: Schema.String,
    }),
  ])

const optionalText = Schema.optionalKey(Schema.String)

const Machine = Schema.Struct({
  kvm: factOf(Schema.Boolean),
  vhostVsock: factOf(Schema.Boolean),
  mshv: factOf(Schema.Boolean),
  selinux: factOf(Schema.Literals(["enforcing", "permissive", "disabled"])),
  kernel: Schema.Struct({
    sysModules: Schema.optionalKey(Schema.Array(Schema.String)),
    procModules: optionalText,
    procConfig: optionalText,
    bootConfig: optionalText,
  }),
  mkfsErofs: Schema.Union([
    Schema.TaggedStruct("Found", { path: Schema.String, missingOptions: Schema.Array(Schema.String) }),
    Schema.TaggedStruct("Absent", {}),
    Schema.TaggedStruct("Unknown", { why: Schema.String }),
  ]),
  machineId: FileState.FileState,
})

const Tried = Schema.Union([
  Schema.TaggedStruct("Accepted", {}),
  Schema.TaggedStruct("Refused", { why: Schema.String }),
  Schema.TaggedStruct("Unknown", { why: Schema.String }),
])

/** What was seen besides files; what is left out was not looked at. */
export const SightDocument = Schema.Struct({
  machine: Schema.optionalKey(Machine),
  probeFile: Schema.optionalKey(Schema.Struct({ fsverity: Tried, immutable: Tried })),
  runtimeSays: Schema.optionalKey(factOf(Schema.String)),
  runtimeRun: factOf(
    Schema.Struct({
      state: Schema.Literals(["active", "inactive", "activating", "failed"]),
      subState: Schema.String,
      result: Schema.String,
      mainPid: Schema.optionalKey(Schema.Int),
      activeSince: Schema.optionalKey(Schema.Number),
      restarts: Schema.Int,
      needsReload: Schema.Boolean,
    }),
  ),
  users: factOf(
    Schema.Array(
      Schema.Struct({
        pid: Schema.Int,
        program: Schema.String,
        sandbox: optionalText,
        through: Schema.optionalKey(Schema.Literals(["program", "mapped", "open", "arguments", "directory"])),
      }),
    ),
  ),
  sandboxes: factOf(
    Schema.Array(Schema.Struct({ id: Schema.String, pod: Schema.String, handler: Schema.String })),
  ),
})
/** What was seen besides files. */
export type SightDocument = typeof SightDocument.Type

/** Leaves out what is `undefined`, all the way down: JSON has no word for it. */
const dense = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(dense)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, dense(inner)]])),
  )
}

/** What was seen, as a document. */
export const encode = (sight: SightFacts): SightDocument => dense(sight) as SightDocument

type KernelWitnesses = NonNullable<SightFacts["machine"]>["kernel"]

const kernelOf = (kernel: NonNullable<SightDocument["machine"]>["kernel"]): KernelWitnesses => ({
  sysModules: kernel.sysModules,
  procModules: kernel.procModules,
  procConfig: kernel.procConfig,
  bootConfig: kernel.bootConfig,
})

/** What was seen, from its document. */
export const decode = ({
  machine,
  probeFile,
  runtimeRun,
  runtimeSays,
  sandboxes,
  users,
}: SightDocument): SightFacts => ({
  machine: machine === undefined ? undefined : { ...machine, kernel: kernelOf(machine.kernel) },
  ...(probeFile === undefined ? {} : { probeFile }),
  ...(runtimeSays === undefined ? {} : { runtimeSays }),
  runtimeRun:
    runtimeRun._tag === "Unknown"
      ? runtimeRun
      : {
          _tag: "Known",
          value: { mainPid: undefined, activeSince: undefined, ...runtimeRun.value },
        },
  users:
    users._tag === "Unknown"
      ? users
      : { _tag: "Known", value: users.value.map((user) => ({ sandbox: undefined, ...user })) },
  sandboxes,
})
