/**
 * Which package may import what? The arrows of the architecture, checked on every import.
 */
import {
  type Finding,
  type Import,
  imports,
  isCode,
  packageOf,
  placeOf,
  resolveRelative,
  type Rule,
  type SourceFile,
} from "./Source.ts"

const adapters = ["filesystem", "host", "kubernetes"]
const coreMayImport = ["effect", "toml-patch", "@noble/hashes"]

/** Findings for the imports of some files that a judge has a complaint about. */
const judge = (
  files: ReadonlyArray<SourceFile>,
  applies: (file: SourceFile) => boolean,
  complaint: (imported: Import, file: SourceFile) => string | undefined,
): ReadonlyArray<Finding> =>
  files
    .filter((file) => isCode(file) && applies(file))
    .flatMap((file) =>
      imports(file).flatMap((imported) => {
        const message = complaint(imported, file)
        return message === undefined ? [] : [{ path: file.path, line: imported.line, message }]
      }),
    )

const isRelative = (specifier: string): boolean => specifier.startsWith(".")

/** The package that an import ends in, when that is one of ours: by name or by a path that leads there. */
const ours = ({ specifier }: Import, file: SourceFile): string | undefined =>
  isRelative(specifier)
    ? placeOf(resolveRelative(file.path, specifier))?.name
    : /^@kata-deploy\/([^/]+)/.exec(specifier)?.[1]

/** The core imports nothing but itself and three libraries that need no platform. */
export const core: Rule = {
  name: "core-imports",
  says: `packages/core imports only itself and ${coreMayImport.join(", ")}`,
  check: (files) =>
    judge(
      files,
      ({ path }) => path.startsWith("packages/core/src/"),
      (imported, file) => {
        const allowed = isRelative(imported.specifier)
          ? resolveRelative(file.path, imported.specifier).startsWith("packages/core/src/")
          : coreMayImport.includes(packageOf(imported.specifier))
        return allowed ? undefined : `the core must not import "${imported.specifier}"`
      },
    ),
}

const snapshotsMayImport = ["@kata-deploy/core", "effect"]

/** The tables of nydus-snapshotter need nothing but the core, which does not know them. */
export const snapshots: Rule = {
  name: "snapshots-imports",
  says: `packages/snapshots imports only itself and ${snapshotsMayImport.join(", ")}`,
  check: (files) =>
    judge(
      files,
      ({ path }) => path.startsWith("packages/snapshots/src/"),
      (imported, file) => {
        const allowed = isRelative(imported.specifier)
          ? resolveRelative(file.path, imported.specifier).startsWith("packages/snapshots/src/")
          : snapshotsMayImport.includes(packageOf(imported.specifier))
        return allowed ? undefined : `the tables of snapshots must not import "${imported.specifier}"`
      },
    ),
}

/** An adapter knows the core and no other package of ours. */
export const apart: Rule = {
  name: "adapters-apart",
  says: `${adapters.join(", ")} import no package of ours but core`,
  check: (files) =>
    judge(
      files,
      ({ path }) => adapters.includes(placeOf(path)?.name ?? ""),
      (imported, file) => {
        const target = ours(imported, file)
        const own = placeOf(file.path)?.name
        return target === undefined || target === own || target === "core"
          ? undefined
          : `${own} must not import ${target}`
      },
    ),
}

/** Only the program chooses Node. */
export const platform: Rule = {
  name: "platform-in-cli",
  says: "only packages/cli imports @effect/platform-node",
  check: (files) =>
    judge(
      files,
      ({ path }) => path.startsWith("packages/") && !path.startsWith("packages/cli/"),
      ({ specifier }) =>
        packageOf(specifier).startsWith("@effect/platform")
          ? `"${specifier}" belongs to packages/cli`
          : undefined,
    ),
}

/** What a package imports stands in its own manifest, so that it works when it is installed alone. */
export const declared: Rule = {
  name: "declared-dependencies",
  says: "every package lists what its sources import",
  check: (files) => {
    const listed = new Map<string, ReadonlyArray<string>>()
    for (const file of files) {
      const name = /^packages\/([^/]+)\/package\.json$/.exec(file.path)?.[1]
      if (name === undefined) continue
      const manifest = JSON.parse(file.text)
      listed.set(name, [
        manifest.name,
        ...Object.keys(manifest.dependencies ?? {}),
        ...Object.keys(manifest.peerDependencies ?? {}),
        ...Object.keys(manifest.optionalDependencies ?? {}),
      ])
    }
    return judge(
      files,
      ({ path }) => placeOf(path)?.folder === "src",
      ({ specifier }, { path }) => {
        const known = listed.get(placeOf(path)?.name ?? "")
        if (isRelative(specifier) || specifier.startsWith("node:") || known === undefined) return undefined
        return known.includes(packageOf(specifier))
          ? undefined
          : `"${packageOf(specifier)}" is missing in the package's dependencies`
      },
    )
  },
}
