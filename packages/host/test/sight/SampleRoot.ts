/** What lies below the root of a host that a test makes up: files, links and processes in a temporary directory. */
import fs from "node:fs"
import os from "node:os"
import nodePath from "node:path"
import { Effect, type Scope } from "effect"

/** A link, by its target as written. */
export class LinkTo {
  readonly target: string
  constructor(target: string) {
    this.target = target
  }
}

/** Texts and bytes of files and targets of links, by path below the root; a path that ends with `/` is a directory. */
export type Tree = Readonly<Record<string, string | Uint8Array | LinkTo>>

/** Puts a tree below a directory. */
export const grow = (root: string, tree: Tree): void => {
  for (const [path, what] of Object.entries(tree)) {
    const at = nodePath.join(root, path)
    fs.mkdirSync(path.endsWith("/") ? at : nodePath.dirname(at), { recursive: true })
    if (path.endsWith("/")) continue
    if (what instanceof LinkTo) fs.symlinkSync(what.target, at)
    else fs.writeFileSync(at, what)
  }
}

/** A temporary directory with a tree in it, which goes with the scope; its path has no links. */
export const make = (tree: Tree): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const root = fs.realpathSync(fs.mkdtempSync(nodePath.join(os.tmpdir(), "kata-deploy-sight-")))
      grow(root, tree)
      return root
    }),
    (root) => Effect.sync(() => fs.rmSync(root, { recursive: true, force: true })),
  )

/** A process that a test makes up. */
export interface SampleProcess {
  /** Its program as the kernel names it; without one it is a thread of the kernel. */
  readonly exe?: string
  readonly line?: ReadonlyArray<string>
  readonly cwd?: string
  /** Its root directory as the machine has it; the made-up host's when left out. */
  readonly root?: string
  readonly open?: ReadonlyArray<string>
  readonly mapped?: ReadonlyArray<string>
  readonly parent?: number
  /** Its name; may hold blanks and parentheses. */
  readonly name?: string
  readonly namespaces?: Readonly<Record<string, string>>
}

/** Entries of `/proc` for processes by id, below `at`, for a host whose root is the directory `host`. */
export const processes = (host: string, at: string, all: Readonly<Record<number, SampleProcess>>): Tree => {
  const tree: Record<string, string | LinkTo> = { [`${at}/`]: "" }
  for (const [pid, process] of Object.entries(all)) {
    const put = (name: string, what: string | LinkTo): void => void (tree[`${at}/${pid}/${name}`] = what)
    put("stat", `${pid} (${process.name ?? "sample"}) S ${process.parent ?? 1} 1 1 0`)
    put("comm", `${process.name ?? "sample"}\n`)
    put("cmdline", (process.line ?? []).map((argument) => `${argument}\0`).join(""))
    put("fd/", "")
    if (process.exe === undefined) continue
    put("exe", new LinkTo(process.exe))
    put("cwd", new LinkTo(process.cwd ?? "/"))
    put("root", new LinkTo(process.root ?? host))
    for (const [number, path] of (process.open ?? []).entries()) put(`fd/${number}`, new LinkTo(path))
    for (const [name, value] of Object.entries(process.namespaces ?? {})) put(`ns/${name}`, new LinkTo(value))
    const lines = ["", "[stack]", ...(process.mapped ?? [])].map(
      (path) => `7f00-7f01 r-xp 00000000 fe:00 123                      ${path}`,
    )
    put("maps", `${lines.join("\n")}\n`)
  }
  return tree
}
