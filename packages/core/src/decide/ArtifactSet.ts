/**
 * Answers: which components does this node need, and where are their archives? The manifest is data of the image;
 * every missing archive is reported at once. Source: spec 05 §1–§3, §5; 12 W-18.
 */
import { Result } from "effect"
import { type Notice, PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { FileState } from "../model/FileState.ts"

/** Path of the manifest, relative to the artifact directory. */
export const manifestPath = "shim-components.json"

/** Path of a component's archive, relative to the artifact directory. */
export const archivePath = (component: string): string => `tarballs/kata-static-${component}.tar.zst`

/** Components of each shim by architecture. Members that are no strings are ignored (spec 05 §2). */
export interface Manifest {
  readonly shims: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<string>>>>>
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const record = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {})

/** `shims` of a manifest's text; `undefined` where it is no JSON object with an object of that name. */
const shimsIn = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const { shims } = record(JSON.parse(text))
    return isRecord(shims) ? shims : undefined
  } catch {
    return undefined
  }
}

/** Reads the manifest of an artifact directory. */
export const parseManifest = (
  state: FileState,
  directory: string,
): Result.Result<Manifest, PrerequisiteError> => {
  const refuse = (why: string) =>
    Result.fail(
      new PrerequisiteError({
        problems: [
          {
            code: "E_MANIFEST",
            setting: "KATA_DEPLOY_ARTIFACTS",
            path: `${directory}/${manifestPath}`,
            message: `The manifest ${directory}/${manifestPath} ${why}, so it is not known which components a shim needs.`,
            remedy: "Point --artifacts at a directory with shim-components.json and tarballs/.",
          },
        ],
      }),
    )
  if (state._tag === "Absent") return refuse("is missing")
  if (state._tag !== "File") return refuse("cannot be read")
  const found = shimsIn(state.text)
  if (found === undefined) return refuse("is no JSON object with `shims`")
  const shims = Object.entries(found).map(([shim, byArchitecture]) => [
    shim,
    Object.fromEntries(
      Object.entries(record(byArchitecture)).map(([architecture, components]) => [
        architecture,
        (Array.isArray(components) ? components : []).filter((c): c is string => typeof c === "string"),
      ]),
    ),
  ])
  return Result.succeed({ shims: Object.fromEntries(shims) as Manifest["shims"] })
}

/** The component with the developer image. */
export const devkitComponent = "rootfs-image-devkit-extension"

/** The components to unpack, and what is worth saying about the choice. */
export interface Selection {
  /** Names, sorted, each once. */
  readonly components: ReadonlyArray<string>
  /** Components that are taken when their archive is there and left out without harm (kata-ctl). */
  readonly optional: ReadonlyArray<string>
  readonly notices: ReadonlyArray<Notice>
}

/** The union of the components of every shim and of every custom runtime's base, on this architecture. */
export const select = (
  manifest: Manifest,
  settings: Pick<Settings, "shims" | "handlers" | "architecture" | "debug" | "devkit">,
): Selection => {
  const wanted = new Set([...settings.shims, ...settings.handlers.map((h) => h.shim)])
  const components = new Set<string>()
  const notices: Array<Notice> = []
  for (const shim of wanted) {
    const list = manifest.shims[shim]?.[settings.architecture]
    if (list === undefined) {
      notices.push({
        code: "shim-without-components",
        severity: "warning",
        message: `The manifest has no components for ${shim} on ${settings.architecture}; its handler will find no programs.`,
        remedy: "Leave the shim out on this architecture, or use artifacts that have it.",
      })
    }
    for (const component of list ?? []) components.add(component)
  }
  if (settings.devkit) components.add(devkitComponent)
  return { components: [...components].sort(), optional: settings.debug ? ["kata-ctl"] : [], notices }
}

/** What is told of an optional component that is left out. */
export const withoutOptional = (component: string, directory: string): Notice => ({
  code: "debug-tool-left-out",
  severity: "warning",
  message: `${component} is left out: its archive ${directory}/${archivePath(component)} is missing or cannot be unpacked.`,
  remedy: "Use an image that ships it; everything else works without it.",
})

/** A problem for each component whose archive is not in the artifact directory. */
export const missing = (components: ReadonlyArray<string>, directory: string): ReadonlyArray<Problem> =>
  components.map((component) => ({
    code: "E_TARBALL_MISSING",
    setting: "KATA_DEPLOY_ARTIFACTS",
    value: component,
    path: `${directory}/${archivePath(component)}`,
    message: `The archive ${directory}/${archivePath(component)} is missing, and an enabled shim needs the component ${component}.`,
    remedy: "Use an image that ships the component, or leave the shim out that needs it.",
  }))
