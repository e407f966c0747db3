/** Answers the vectors about the choice and removal of components; what unpacks them is answered by `@kata-deploy/filesystem`. */
import { Effect, Result, Schema } from "effect"
import { ArtifactSet, FileState, HostFiles, HostPath, Run, Shim } from "@kata-deploy/core"
import { HostFilesMemory, SampleArchive, Vectors } from "@kata-deploy/core/testing"
import * as SampleNode from "../engine/SampleNode.ts"
import { manifest } from "./ShimComponents.ts"

const artifacts = "/opt/kata-artifacts"

const components = (
  shims: ReadonlyArray<string>,
  architecture: string,
  devkit: boolean,
): ArtifactSet.Selection =>
  ArtifactSet.select(Result.getOrThrow(ArtifactSet.parseManifest(FileState.file(manifest), artifacts)), {
    shims,
    handlers: [],
    architecture,
    debug: false,
    devkit,
  })

const tarball = (component: string): string => ArtifactSet.archivePath(component).slice("tarballs/".length)

const Required = Schema.Struct({
  shims: Schema.Array(Schema.String),
  arch: Schema.String,
  devkit: Schema.Boolean,
})

const requiredComponents = ({ arch, devkit, shims }: typeof Required.Type): object => {
  const selection = components(shims, arch, devkit)
  const messages = selection.notices.map((notice) => notice.message)
  return {
    components: selection.components,
    tarballs: selection.components.map(tarball),
    warnsFor: shims.filter((shim) => messages.some((message) => message.includes(` for ${shim} on `))),
  }
}

/** A case of its own for each architecture, all in one object. */
const allForDefaults = (byArchitecture: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(
    Object.keys(byArchitecture).map((arch) => [
      arch,
      components(Shim.defaultShims(arch), arch, false).components,
    ]),
  )

const Tools = Schema.Struct({
  debug: Schema.Boolean,
  tarball: Schema.optionalKey(Schema.Union([Schema.Boolean, Schema.Literal("corrupt")])),
  existing: Schema.optionalKey(Schema.Array(Schema.String)),
  alreadyExtracted: Schema.optionalKey(Schema.Array(Schema.String)),
})
const ExpectedTools = Schema.Struct({
  installed: Schema.optionalKey(Schema.Array(Schema.String)),
  warns: Schema.optionalKey(Schema.Boolean),
  left: Schema.optionalKey(Schema.Array(Schema.String)),
})

const toolArchive: SampleArchive.SampleArchive = [SampleArchive.file("bin/kata-ctl", "ctl", 0o755)]
const place = ArtifactSet.archivePath("kata-ctl")

/** Installs with these settings on a node that may have the tool from an install before. */
const install = (files: ReturnType<typeof SampleNode.host>, debug: boolean) =>
  SampleNode.on(files)(
    Run.run(
      SampleNode.request("install", {
        DEBUG: String(debug),
        CONTAINER_RUNTIME_VERSION: "containerd://2.2.1",
      }),
    ),
  )

const debugTools: Vectors.Section = (vector) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const input = Result.getOrThrow(Vectors.read(Tools, vector.input))
      const expected = Result.getOrThrow(Vectors.read(ExpectedTools, vector.expected))
      const files = SampleNode.host({
        "/etc/containerd/config.toml": 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n',
      })
      const before = [...(input.existing ?? []), ...(input.alreadyExtracted ?? [])]
      if (before.some((path) => path.endsWith("kata-ctl"))) {
        files.archives.set(place, toolArchive)
        yield* install(files, true)
      }
      if (input.alreadyExtracted === undefined) files.archives.delete(place)
      if (input.tarball === true) files.archives.set(place, toolArchive)
      if (input.tarball === "corrupt") files.archives.set(place, "corrupt")
      const report = yield* install(files, input.debug)
      const installed = Object.keys(files.snapshot()).filter((path) => path.endsWith("/bin/kata-ctl"))
      const told = report.notices.some((notice) => notice.message.includes("kata-ctl"))
      return Vectors.compare(
        {
          installed:
            expected.left === undefined
              ? expected.installed
              : expected.left.filter((path) => path.endsWith("kata-ctl")),
          warns: expected.warns,
        },
        {
          installed:
            expected.installed === undefined && expected.left === undefined
              ? undefined
              : installed.map((path) => path.replace(/^\/opt\/kata\//, "")),
          warns: expected.warns === undefined ? undefined : told,
        },
      )
    }),
  )

const Removal = Schema.Struct({
  mountPoints: Schema.Array(Schema.String),
  tree: Schema.NullOr(Schema.Array(Schema.String)),
})
const ExpectedRemoval = Schema.Struct({
  left: Schema.Array(Schema.String),
  untouched: Schema.optionalKey(Schema.Array(Schema.String)),
})

const installDir = HostPath.make("/opt/kata")

/** Empties the install directory, and removes it where it can be: mounts need rights, so the double does it. */
const removeTree: Vectors.Section = (vector) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const input = Result.getOrThrow(Vectors.read(Removal, vector.input))
      const expected = Result.getOrThrow(Vectors.read(ExpectedRemoval, vector.expected))
      const untouched = expected.untouched ?? []
      const double = HostFilesMemory.make({
        mountPoints: input.mountPoints,
        tree: Object.fromEntries([
          ...input.mountPoints.map((path) => [path, FileState.directory()]),
          ...untouched.map((path) => [`${path}/theirs`, FileState.file("theirs")]),
          ...(input.tree ?? []).map((line) => {
            const [path, target] = line.split(" -> ")
            return [`/opt/kata/${path}`, target === undefined ? FileState.file("x") : FileState.link(target)]
          }),
        ]),
      })
      yield* Effect.provide(
        Effect.gen(function* () {
          const files = yield* HostFiles.HostFiles
          yield* files.removeTree({
            _tag: "RemoveTree",
            root: installDir,
            entries: "everything",
            reserved: [],
          })
          yield* files.prune([installDir])
        }),
        double.layer,
      )
      const after = Object.entries(double.snapshot()).filter(([path]) =>
        HostPath.isWithin(HostPath.make(path), installDir),
      )
      const left = after
        .filter(([path]) => !after.some(([other]) => other.startsWith(`${path}/`)))
        .map(([path, state]) => (state._tag === "Directory" ? `${path} (empty dir)` : path))
      const intact = untouched.filter((path) => `${path}/theirs` in double.snapshot())
      return Vectors.compare({ left: expected.left, intact: untouched }, { left, intact })
    }),
  )

const Missing = Schema.Struct({ error: Schema.String, messageMentions: Schema.Array(Schema.String) })

/** The two things that the message has to mention are told by what they are, not by a text. */
const missingTarball: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(Missing, vector.expected), (expected) => {
    const [problem] = ArtifactSet.missing(["kernel"], artifacts)
    const named: Readonly<Record<string, string>> = {
      "tarball path": `${artifacts}/${ArtifactSet.archivePath("kernel")}`,
      "component name": "kernel",
    }
    const silent = expected.messageMentions.filter((what) => !problem!.message.includes(named[what] ?? what))
    return silent.length > 0
      ? Vectors.failed(`the message does not mention the ${silent.join(" and the ")}`)
      : Vectors.compare(expected.error, problem!.code)
  })

/** Runner of the sections of `05-artifacts` that are about which files there are. */
export const runner: Vectors.Runner = {
  file: "05-artifacts",
  sections: {
    manifestPath: ({ input }) => Vectors.compare(input, `${artifacts}/${ArtifactSet.manifestPath}`),
    requiredComponents: Vectors.answering(Required, requiredComponents),
    allComponentsForDefaults: (vector) =>
      Result.flatMap(
        Vectors.read(Schema.Record(Schema.String, Schema.Array(Schema.String)), vector.input),
        (byArchitecture) => Vectors.compare(byArchitecture, allForDefaults(byArchitecture)),
      ),
    removeTree,
    debugTools,
    missingTarball,
  },
}
