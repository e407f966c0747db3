/**
 * Answers: where does containerd keep the layers of the erofs snapshotter? In the directory that its files name, else in
 * the distribution's own. Source: spec 07 §4; decisions §5.
 */
import { Result } from "effect"
import * as Fact from "../input/Fact.ts"
import type { Facts } from "../input/Facts.ts"
import * as FactsOf from "../input/Facts.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Toml from "../toml/Toml.ts"

/** What the answer goes by. */
export interface StoreInput {
  readonly row: Pick<RuntimeRow, "storeDir">
  /** The file that containerd is started with. */
  readonly mainConfig: HostPath.HostPath
  readonly facts: Pick<Facts, "files" | "imported" | "unlisted" | "userDropIn">
}

const plugin = "io.containerd.snapshotter.v1.erofs"

/**
 * The snapshotter's own `root_path`, else a directory below containerd's `root`; it need not be there yet. Unknown where
 * a file that may name another one could not be read. What only the daemon's command line says is not seen.
 */
export const ofErofs = ({ facts, mainConfig, row }: StoreInput): Fact.Fact<HostPath.HostPath> => {
  const hidden = (path: string): Fact.Unknown =>
    Fact.unknown("failed", `${path}, which may name another directory of containerd, could not be read`)
  const [unlisted] = facts.unlisted
  if (unlisted !== undefined) return hidden(unlisted.path)
  const tables: Array<Toml.Table> = []
  for (const path of [mainConfig, ...facts.imported]) {
    const state = FactsOf.at(facts, path)
    if (state._tag === "Absent") continue
    const parsed = state._tag === "File" ? Toml.parse(state.text) : undefined
    if (parsed === undefined || Result.isFailure(parsed)) return hidden(path)
    tables.push(parsed.success)
  }
  const own = facts.userDropIn?._tag === "File" ? Toml.parse(facts.userDropIn.text) : undefined
  if (own !== undefined && Result.isSuccess(own)) tables.push(own.success)
  /** The absolute path at a key; later files win. */
  const named = (...keys: ReadonlyArray<string>): HostPath.HostPath | undefined => {
    const found = tables.map((table) => Toml.at(table, ...keys)).findLast((value) => isAbsolute(value))
    return typeof found === "string" ? HostPath.make(found) : undefined
  }
  return Fact.known(
    named("plugins", plugin, "root_path") ?? HostPath.join(named("root") ?? row.storeDir, plugin),
  )
}

/** An empty path counts as not given, to containerd as well. */
const isAbsolute = (value: unknown): boolean => typeof value === "string" && value.startsWith("/")
