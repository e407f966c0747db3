/** Settings that say all sorts of things about modes of nydus, and what changes make of them. */
import * as fc from "fast-check"
import type { ModeWords } from "../../src/index.ts"

export const mapping = "SNAPSHOTTER_HANDLER_MAPPING_X86_64"
export const pullType = "PULL_TYPE_MAPPING_X86_64"
export const forced = "EXPERIMENTAL_FORCE_GUEST_PULL_X86_64"
export const setup = "EXPERIMENTAL_SETUP_SNAPSHOTTER"
export const shims = { SHIMS_X86_64: "qemu clh", DEBUG: "true" }

const value = fc.constantFrom("nydus", "nydus-hs", "overlayfs")

/** Variables of settings with two shims, as they may be set beside `shims`. */
export const variables = fc.record(
  {
    [mapping]: fc.oneof(
      value.map((v) => `qemu:${v}`),
      value.map((v) => `clh:nydus,qemu:${v}`),
      fc.constant("clh:nydus-hs"),
    ),
    [pullType]: fc.constantFrom("qemu:guest-pull", "clh:guest-pull"),
    [forced]: fc.constantFrom("qemu", "clh,qemu"),
    [setup]: fc.constantFrom("nydus", "nydus-hs", "erofs,nydus"),
    NYDUS_HS_EXPORT_MODE: fc.constantFrom("image_block", "layer_block"),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Readonly<Record<string, string>>>

/** The variables with changes laid over them. */
export const laid = (
  before: Readonly<Record<string, string>>,
  changes: ReadonlyArray<ModeWords.SettingChange>,
): Readonly<Record<string, string>> => {
  const all: Record<string, string> = { ...before }
  for (const { after, variable } of changes) {
    if (after === undefined) delete all[variable]
    else all[variable] = after
  }
  return all
}
