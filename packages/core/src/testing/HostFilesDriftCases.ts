/** Conformance of `HostFiles`: what is told of unpacked files that are no longer as they were put there. */
import { Effect } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Change from "../plan/Change.ts"
import type { OwnedEntry } from "../plan/Ledger.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { same } from "./Expectation.ts"
import type { OpenCase } from "./HostFilesConformance.ts"
import { into, stateDirectory } from "./HostFilesExtractCases.ts"
import * as Sample from "./SampleArchive.ts"

const archives = {
  kernel: [
    Sample.file("share/vmlinux", "kernel"),
    Sample.file("share/image", "image"),
    Sample.link("share/current", "vmlinux"),
  ],
}
const fixture = { archives, tree: stateDirectory }
const staging = HostPath.make(`${into}/.kata-deploy/staging`)

/** Unpacks the sample and tells what was put down. */
const unpacked = Effect.gen(function* () {
  const host = yield* HostFiles
  const id = { sha256: "", size: 0, modifiedMs: 0 }
  const done = yield* host.extract(
    {
      _tag: "Extract",
      into,
      staging,
      components: [{ name: "kernel", archive: "kernel", id, replaces: [] }],
      except: [],
      owned: [],
    },
    () => Effect.void,
    () => Effect.void,
  )
  yield* done.commit
  return done.entries.get("kernel") ?? []
})

/** Writes texts to a file of the sample, one after the other. */
const rewritten = (path: string, before: string, ...texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    let last = before
    for (const text of texts) {
      const change = Change.make(
        HostPath.join(into, path),
        FileState.file(last, 0o644),
        FileState.file(text, 0o644),
      )
      yield* host.put(change, staging)
      last = text
    }
  })

const compared = (entries: ReadonlyArray<OwnedEntry>, depth: "metadata" | "contents") =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    const { drifted, renewed } = yield* host.drift(into, entries, depth)
    return {
      drifted: drifted.map(({ entry, found }) => [entry.path, found._tag]),
      renewed: renewed.map(({ path }) => path),
      entries: entries.map((entry) => renewed.find(({ path }) => path === entry.path) ?? entry),
    }
  })

const agrees = (
  entries: ReadonlyArray<OwnedEntry>,
  expected: {
    readonly drifted: ReadonlyArray<readonly [string, string]>
    readonly renewed: ReadonlyArray<string>
  },
) =>
  Effect.gen(function* () {
    for (const depth of ["metadata", "contents"] as const) {
      const { drifted, renewed } = yield* compared(entries, depth)
      yield* same(depth, { drifted, renewed }, expected)
    }
  })

/** Cases of `drift`. */
export const driftCases: ReadonlyArray<OpenCase> = [
  {
    name: "what was just unpacked is as it was, and its times are known",
    fixture,
    body: Effect.flatMap(unpacked, (entries) => agrees(entries, { drifted: [], renewed: [] })),
  },
  {
    name: "other bytes of the same size are noticed without reading the rest",
    fixture,
    body: Effect.gen(function* () {
      const entries = yield* unpacked
      yield* rewritten("share/vmlinux", "kernel", "KERNEL")
      yield* agrees(entries, { drifted: [["share/vmlinux", "File"]], renewed: [] })
      const host = yield* HostFiles
      const { drifted } = yield* host.drift(into, entries, "metadata")
      const found = drifted[0]?.found
      yield* same("its digest was looked at", found?._tag === "File" && found.digest.length, 64)
    }),
  },
  {
    name: "the same bytes written again are no drift, and with their new times they are known again",
    fixture,
    body: Effect.gen(function* () {
      const entries = yield* unpacked
      yield* rewritten("share/vmlinux", "kernel", "KERNEL", "kernel")
      yield* agrees(entries, { drifted: [], renewed: ["share/vmlinux"] })
      const { entries: renewed } = yield* compared(entries, "metadata")
      yield* agrees(renewed, { drifted: [], renewed: [] })
    }),
  },
  {
    name: "a file that was recorded without times is read, and they are told",
    fixture,
    body: Effect.gen(function* () {
      const entries = yield* unpacked
      const old = entries.map((entry): OwnedEntry => {
        if (entry.type !== "file") return entry
        const { changedMs: _, modifiedMs: __, ...rest } = entry
        return rest
      })
      yield* rewritten("share/image", "image", "IMAGE")
      yield* agrees(old, { drifted: [["share/image", "File"]], renewed: ["share/vmlinux"] })
    }),
  },
  {
    name: "what is gone, has another size, or is something else has drifted",
    fixture,
    body: Effect.gen(function* () {
      const entries = yield* unpacked
      const host = yield* HostFiles
      const at = (path: string) => HostPath.join(into, path)
      yield* rewritten("share/image", "image", "a larger image")
      const vmlinux = FileState.file("kernel", 0o644)
      yield* host.put(Change.make(at("share/vmlinux"), vmlinux, FileState.link("image")), staging)
      const current = FileState.link("vmlinux")
      yield* host.put(Change.make(at("share/current"), current, FileState.absent), staging)
      yield* agrees(entries, {
        drifted: [
          ["share/current", "Absent"],
          ["share/image", "File"],
          ["share/vmlinux", "Link"],
        ],
        renewed: [],
      })
    }),
  },
]
