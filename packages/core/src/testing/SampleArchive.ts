/**
 * Answers: what is in a component archive of a test? A list of entries under names as upstream writes them
 * (`./opt/kata/bin/x`); the double reads it as it is, the real adapter's tests pack it.
 */

/** One entry of a sample archive; modes are permission bits and may carry set-user-ID ones. */
export type SampleEntry =
  | { readonly type: "file"; readonly name: string; readonly text: string; readonly mode?: number }
  | { readonly type: "link"; readonly name: string; readonly target: string }
  | { readonly type: "hard-link"; readonly name: string; readonly target: string }
  | { readonly type: "directory"; readonly name: string }
  | { readonly type: "device"; readonly name: string }
  | { readonly type: "fifo"; readonly name: string }

/** A sample archive: its entries in order, or bytes that are no archive at all. */
export type SampleArchive = ReadonlyArray<SampleEntry> | "corrupt"

/** A file entry at `path` below `opt/kata`. */
export const file = (path: string, text: string, mode = 0o644): SampleEntry => ({
  type: "file",
  name: `./opt/kata/${path}`,
  text,
  mode,
})

/** A symbolic link entry at `path` below `opt/kata`. */
export const link = (path: string, target: string): SampleEntry => ({
  type: "link",
  name: `./opt/kata/${path}`,
  target,
})

/** A directory entry at `path` below `opt/kata`. */
export const directory = (path: string): SampleEntry => ({ type: "directory", name: `./opt/kata/${path}/` })
