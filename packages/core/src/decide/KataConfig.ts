/**
 * Answers: which Kata configuration does each handler read? A copy of the pristine one with a banner, in a directory
 * of its own with drop-ins beside it, and a link from the place where the archives put it.
 * Source: spec 06; decisions §4 (base configurations are a fact).
 */
import { Result } from "effect"
import type { Notice } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import * as Handler from "../model/Handler.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Shim from "../model/Shim.ts"
import * as Toml from "../toml/Toml.ts"
import * as TomlEdit from "../toml/TomlEdit.ts"
import * as Desired from "./Desired.ts"
import { dropIns } from "./KataDropIns.ts"

/** A pristine Kata configuration: its text, and the text parsed. */
export interface BaseConfig {
  readonly text: string
  readonly table: Toml.Table
}

/** Base configurations by path below `share/defaults/kata-containers`, e.g. `runtime-rs/configuration-qemu….toml`. */
export type BaseConfigs = ReadonlyMap<string, BaseConfig>

/** Key of a shim's base configuration in `BaseConfigs`. */
export const baseKey = (shim: string, row: Shim.ShimRow): string =>
  `${row.runtime === "rust" ? "runtime-rs/" : ""}${Shim.configFileName(shim)}`

/** Reads a base configuration. */
export const parseBase = (text: string): Result.Result<BaseConfig, Toml.TomlProblem> =>
  Result.map(Toml.parse(text), (table) => ({ text, table }))

/** What the configurations are made from. */
export interface KataInput {
  readonly settings: Settings
  readonly bases: BaseConfigs
  /** Whether kubelet's directory is k0s's, which the Go runtime has to be told (spec 06 §4.3). */
  readonly kubeletRoot: "default" | "k0s"
  /** Verity parameters of the developer image, where it has some. */
  readonly devkitVerity: string | undefined
}

/** The parameters in the developer image's root hash file: its first line that is not blank. */
export const verityParams = (text: string | undefined): string | undefined =>
  text
    ?.split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "")

/** What is worth saying about the configurations. */
export const notices = (
  settings: Pick<Settings, "devkit">,
  devkitRootHash: string | undefined,
): ReadonlyArray<Notice> =>
  settings.devkit && verityParams(devkitRootHash) === undefined
    ? [
        {
          code: "devkit-without-root-hash",
          severity: "warning",
          message: "The developer image has no root hash file, so its variants mount it without verity.",
        },
      ]
    : []

/** Upstream looks for these words so as not to stamp a file twice; so do we (spec 06 §3). */
export const bannerMark = "This file is managed by kata-deploy"

/** Characters at the head of a file among which its banner is. */
const bannerReach = 2_000

const banner = (dropInDir: string): string =>
  [
    `# ${bannerMark}: the next install writes it anew.`,
    `# To change a setting for good, put a file such as 60-mine.toml into`,
    `# ${dropInDir}; files there are merged over this one in the order of their names.`,
    "",
    "",
  ].join("\n")

/** Annotations that pods may use with a shim, beyond those of the base configuration (spec 06 §5). */
const annotationsFor = (settings: Settings, shim: string): ReadonlyArray<string> => [
  ...settings.allowedAnnotations.all,
  ...settings.allowedAnnotations.each.flatMap((each) => (each.shim === shim ? each.annotations : [])),
]

/** The text of a copy: banner, and the two settings that upstream edits into the copy itself (spec 06 §5, §6). */
const copyText = (
  settings: Settings,
  shim: string,
  row: Shim.ShimRow,
  base: BaseConfig,
  dropInDir: string,
): string => {
  const edited = withGuestPull(settings, shim, withAnnotations(settings, shim, row, base))
  return edited.text.slice(0, bannerReach).includes(bannerMark)
    ? edited.text
    : banner(dropInDir) + edited.text
}

const withAnnotations = (
  settings: Settings,
  shim: string,
  row: Shim.ShimRow,
  base: BaseConfig,
): BaseConfig => {
  const added = annotationsFor(settings, shim)
  if (added.length === 0) return base
  const hypervisor = Toml.tableAt(base.table, "hypervisor", row.hypervisor) ?? {}
  const before = Toml.stringsAt(hypervisor, "enable_annotations")
  const after = [...new Set([...before, ...added])].sort()
  return edit(base, ["hypervisor", row.hypervisor, "enable_annotations"], after)
}

const withGuestPull = (settings: Settings, shim: string, base: BaseConfig): BaseConfig =>
  settings.forceGuestPull.includes(shim)
    ? edit(base, ["runtime", "experimental_force_guest_pull"], true)
    : base

/** Texts that were edited last, newest last, each with what became of it; a run plans the same edits several times. */
const lately = new Map<string, Map<string, BaseConfig>>()

/** Shims of one architecture, and a few texts with an edit already in them. */
const mostLately = 64

/** The base with a value changed; one whose layout does not take it stays, and the handler works without it. */
const edit = (base: BaseConfig, path: TomlEdit.Path, value: unknown): BaseConfig => {
  const name = JSON.stringify([path, value])
  const known = lately.get(base.text)?.get(name)
  if (known !== undefined) return known
  const edited = Result.getOrElse(TomlEdit.setIn(base, path, value), () => base)
  const edits = lately.get(base.text) ?? new Map<string, BaseConfig>()
  if (edits.size === 0 && lately.size >= mostLately) lately.delete(lately.keys().next().value!)
  lately.set(base.text, edits.set(name, edited))
  return edited
}

/** Everything below the install directory that the settings make of the base configurations; each path once. */
export const desired = (input: KataInput): ReadonlyArray<Desired.Desired> =>
  // Shims of the same QEMU build share one wrapper script.
  [...new Map(all(input).map((each) => [each.path, each])).values()]

const all = (input: KataInput): ReadonlyArray<Desired.Desired> => [
  ...input.settings.shims.flatMap((shim) => ofShim(input, shim)),
  ...input.settings.handlers.flatMap((handler) => (handler.kind === "shim" ? [] : ofHandler(input, handler))),
]

/** What a shim's configurations are made from; nobody can write one without it. */
const sourceOf = (
  { bases }: KataInput,
  shim: string,
): { readonly row: Shim.ShimRow; readonly base: BaseConfig } | undefined => {
  const row = Shim.lookup(shim)
  const base = row && bases.get(baseKey(shim, row))
  return row && base && { row, base }
}

const ofShim = (input: KataInput, shim: string): ReadonlyArray<Desired.Desired> => {
  const { settings } = input
  const { installDir } = settings.instance
  const source = sourceOf(input, shim)
  if (source === undefined) return []
  const { base, row } = source
  const directory = Shim.runtimeDir(installDir, shim, row)
  const dropInDir = HostPath.join(directory, "config.d")
  const because = `shim ${shim} is enabled`
  return [
    Desired.make(dropInDir, FileState.directory(), because),
    Desired.make(
      HostPath.join(directory, Shim.configFileName(shim)),
      FileState.file(copyText(settings, shim, row, base, dropInDir)),
      because,
    ),
    Desired.make(
      Shim.originalConfig(installDir, shim, row),
      FileState.link(`runtimes/${shim}/${Shim.configFileName(shim)}`),
      `the copy in runtimes/${shim} is the one that is read`,
    ),
    ...dropIns(input, {
      shim,
      row,
      base,
      directory: dropInDir,
      kind: "shim",
      userDropIn: settings.shimDropIns.get(shim),
    }),
  ]
}

const ofHandler = (input: KataInput, handler: Handler.Handler): ReadonlyArray<Desired.Desired> => {
  const { settings } = input
  const source = sourceOf(input, handler.shim)
  if (source === undefined) return []
  const { base, row } = source
  const directory = Handler.customDir(settings.instance.installDir, handler.name)
  const dropInDir = HostPath.join(directory, "config.d")
  const because =
    handler.kind === "custom"
      ? `custom runtime ${handler.name} is defined`
      : `the ${handler.kind} variant of ${handler.shim} is asked for`
  const edits = settings.shims.includes(handler.shim)
    ? settings
    : { ...settings, allowedAnnotations: { all: [], each: [] }, forceGuestPull: [] }
  return [
    Desired.make(dropInDir, FileState.directory(), because),
    Desired.make(
      HostPath.join(directory, Shim.configFileName(handler.shim)),
      FileState.file(copyText(edits, handler.shim, row, base, dropInDir)),
      because,
    ),
    ...dropIns(input, {
      shim: handler.shim,
      row,
      base,
      directory: dropInDir,
      kind: handler.kind,
      userDropIn: settings.customRuntimes.find((c) => c.handler === handler.name)?.dropIn,
    }),
  ]
}
