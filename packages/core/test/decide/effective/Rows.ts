/** What do the tests of the simulator share? Documents by schema, and tables of facts with one row each. */
import { assert, it } from "@effect/vitest"
import { stringify } from "smol-toml"
import { type ContainerdVersion, EffectiveConfig, HostPath } from "../../../src/index.ts"

/** A TOML document as data. */
export type Document = Record<string, unknown>

/** The file that the daemon is started with. */
export const root = HostPath.make("/etc/containerd/config.toml")
/** The one file that most roots import. */
export const x = "/opt/d/x.toml"

/** 1.6. */
export const v16 = { major: 1, minor: 6 }
/** 1.7. */
export const v17 = { major: 1, minor: 7 }
/** 2.0, where it differs from 2.1. */
export const v20 = { major: 2, minor: 0 }
/** 2.1, for 2.0 to 2.2. */
export const v21 = { major: 2, minor: 1 }
/** 2.3. */
export const v23 = { major: 2, minor: 3 }
/** 2.4 and later. */
export const v24 = { major: 2, minor: 4 }
/** Releases that take a plugin table whole. */
export const first = [v16, v17]
/** Releases that merge key by key. */
export const second = [v21, v23, v24]
/** All of them. */
export const every = [v16, v17, v21, v23, v24]

/** Text of a document; a text stays as it is. */
export const text = (document: Document | string): string =>
  typeof document === "string" ? document : stringify(document)

/** What a release makes of a root and further files. */
export const simulate = (
  version: ContainerdVersion.ContainerdVersion,
  main: Document | string,
  imported: Record<string, Document | string> = {},
): EffectiveConfig.EffectiveConfig =>
  EffectiveConfig.simulate({
    root,
    version,
    files: new Map(
      Object.entries({ [root]: main, ...imported }).map(([path, d]) => [HostPath.make(path), text(d)]),
    ),
  })

/** The answer in one line: who refuses, why the CRI is missing, or which handlers there are. */
export const inShort = (answer: EffectiveConfig.EffectiveConfig): string => {
  if (answer._tag === "Refused") return `refused for ${answer.file}: ${answer.why}`
  return answer.cri._tag === "NotLoaded"
    ? `no CRI: ${answer.cri.why}`
    : Object.keys(answer.handlers).sort().join(" ")
}

/** The answer of a daemon that has to start. */
export const loaded = (answer: EffectiveConfig.EffectiveConfig): EffectiveConfig.Loaded => {
  if (answer._tag === "Refused") return assert.fail(`refused: ${answer.why}`)
  return answer
}

/** Codes of the warnings. */
export const codes = (answer: EffectiveConfig.EffectiveConfig): ReadonlyArray<string> =>
  loaded(answer).warnings.map((w) => w.code)

/** Names of the table with the handlers, by schema. */
export const plugin = { 1: "cri", 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime" } as const
/** The images half of the CRI. */
export const images = "io.containerd.cri.v1.images"
/** A handler as operators have it. */
export const runc = { runtime_type: "io.containerd.runc.v2", options: { SystemdCgroup: true } }
/** A handler as ours are. */
export const kata = { runtime_type: "io.containerd.kata-qemu.v2", runtime_path: "/opt/kata/bin/shim" }

/** The CRI table of a schema with these handlers. */
export const cri = (schema: 1 | 2 | 3, runtimes: Document, rest: Document = {}): Document => ({
  [plugin[schema]]: { containerd: { ...rest, runtimes } },
})

/** A root with `runc` that imports one file. */
export const main = (version: number | undefined, schema: 1 | 2 | 3, rest: Document = {}): Document => ({
  ...(version === undefined ? {} : { version }),
  imports: [x],
  plugins: cri(schema, { runc }),
  ...rest,
})

/** A drop-in with a handler of ours. */
export const dropIn = (schema: 1 | 2 | 3, rest: Document = {}): Document => ({
  ...rest,
  plugins: cri(schema, { "kata-qemu": kata }),
})

/** What 1.x says when the built-in handler is gone. */
export const noRunc = `no CRI: no handler has the name that default_runtime_name gives, "runc"`

/** One fact: a root with drop-ins, and what is made of it. */
export interface Row {
  readonly name: string
  readonly on: ReadonlyArray<ContainerdVersion.ContainerdVersion>
  readonly main: Document | string
  readonly imported?: Record<string, Document | string>
  readonly is: string | RegExp
}

/** A row from its parts. */
export const row = (
  name: string,
  on: Row["on"],
  document: Row["main"],
  imported: NonNullable<Row["imported"]>,
  is: Row["is"],
): Row => ({ name, on, main: document, imported, is })

/** Registers a test for each row and release. */
export const check = (rows: ReadonlyArray<Row>): void => {
  for (const { imported, is, main: document, name, on } of rows) {
    for (const version of on) {
      it(`${name}, on ${version.major}.${version.minor}`, () => {
        const answer = inShort(simulate(version, document, imported))
        if (typeof is === "string") assert.strictEqual(answer, is)
        else assert.match(answer, is)
      })
    }
  }
}
