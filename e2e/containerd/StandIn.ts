/** How does a test get a stand-in for Kata's shim to a host, and how does it learn what containerd asked of it? */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** What containerd asked of the stand-in when it had a task made. */
export interface Asked {
  /** The program that it started, as it was found. */
  readonly program: string
  /** The options of the handler: a protobuf message, one character for each byte. */
  readonly options: string
}

/** Where the stand-in writes down what it was asked. */
export const log = "/run/e2e-stand-in.log"

/** A script that is the stand-in, for a host that sees this checkout and its Node. */
export const script = `#!/bin/sh
exec ${process.execPath} ${join(import.meta.dirname, "standInShim.ts")} "$0" "$@"
`

/** Everything that the stand-in of a host was asked so far; the host's root is as this machine sees it. */
export const asked = (root: string): ReadonlyArray<Asked> => {
  const file = join(root, log)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, "utf8").trim().split("\n")
  return lines.map((line) => JSON.parse(line) as Asked)
}
