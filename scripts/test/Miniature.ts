/**
 * A copy of this workspace in a temporary directory: its configuration and tools, but only the sources that a
 * test plants. So a test can show that a tool, called as `npm run check` calls it, objects to something.
 */
import { execFileSync, spawnSync } from "node:child_process"
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import process from "node:process"

/** The checkout that is being tested. */
export const root = join(import.meta.dirname, "../..")

const configuration = [
  ".gitignore",
  "tsconfig*.json",
  ".oxlintrc.json",
  ".oxfmtrc.json",
  "{bench,e2e,examples,scripts}/tsconfig.json",
  "packages/*/{tsconfig.json,package.json,test/tsconfig.json}",
]

/** What came of running a program. */
export interface Ran {
  readonly status: number | null
  readonly output: string
}

/** A copy of the workspace that goes away with its scope: `using copy = miniature({ "packages/…": "…" })`. */
export interface Miniature extends Disposable {
  readonly directory: string
  readonly run: (command: string, args: ReadonlyArray<string>, env?: Record<string, string>) => Ran
}

const linkModules = (directory: string): void => {
  const modules = join(directory, "node_modules")
  mkdirSync(join(modules, "@kata-deploy"), { recursive: true })
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "@kata-deploy" && name !== ".cache")
      symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  for (const name of readdirSync(join(root, "packages")))
    symlinkSync(join(directory, "packages", name), join(modules, "@kata-deploy", name))
}

/** Makes the copy, with the given files in it. */
export const miniature = (planted: Record<string, string>): Miniature => {
  const directory = mkdtempSync(join(tmpdir(), "kata-deploy-miniature-"))
  for (const path of globSync(configuration, { cwd: root }))
    cpSync(join(root, path), join(directory, path), { recursive: true })
  linkModules(directory)
  for (const [path, text] of Object.entries(planted)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  const run: Miniature["run"] = (command, args, env = {}) => {
    const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter)
    const { status, stderr, stdout } = spawnSync(command, args, {
      cwd: directory,
      encoding: "utf8",
      env: { ...process.env, PATH: path, ...env },
    })
    return { status, output: `${stdout}${stderr}` }
  }
  return { directory, run, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) }
}

/** The scripts of this workspace, copied into a miniature. */
export const withScripts = (copy: Miniature): Miniature => {
  execFileSync("cp", ["-R", join(root, "scripts"), copy.directory])
  return copy
}
