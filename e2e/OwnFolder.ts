/**
 * Where does a test keep files outside of the checkout? In a temporary folder that names the process it belongs to, so that
 * what a run leaves that was killed is taken away by the next one.
 */
import { existsSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Makes a folder whose name begins with `prefix`, and removes those of processes that are gone. */
export const make = async (prefix: string): Promise<string> => {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split("-")[0]) : Number.NaN
    if (Number.isInteger(pid) && !existsSync(`/proc/${pid}`))
      await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
  return mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
}
