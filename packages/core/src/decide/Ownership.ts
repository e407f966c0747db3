/**
 * Answers: what has to happen to a file so that nothing of ours is in it any more? Files that are ours as a whole go;
 * in files of others only our part goes, and whatever else was changed meanwhile stays. Source: decisions §3.
 */
import { Equal, Result } from "effect"
import type { Notice } from "../input/Problem.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Action } from "../plan/Action.ts"
import type { Edit, Ledger, OwnedFile } from "../plan/Ledger.ts"
import { digest } from "../plan/PlanDocument.ts"
import * as Toml from "../toml/Toml.ts"
import * as ContainerdImports from "./ContainerdImports.ts"
import * as ContainerdWholeFile from "./ContainerdWholeFile.ts"
import * as Recognition from "./Recognition.ts"

/** How the ledger names what is at a path: the digest of a file's bytes, or `link:<target>`. */
export const digestOf = (state: FileState.FileState): string => {
  switch (state._tag) {
    case "File":
      return digest(state.text)
    case "Link":
      return `link:${state.target}`
    case "Absent":
      return "absent"
    case "Directory":
      return "directory"
    case "Unreadable":
      return `unreadable: ${state.detail}`
  }
}

/** How the ledger names what is at a path once these steps are done; `undefined` for paths that none of them puts. */
export const digestAfter = (
  steps: ReadonlyArray<{ readonly action: Action }>,
): ((path: HostPath.HostPath) => string | undefined) => {
  let after: ReadonlyMap<HostPath.HostPath, FileState.FileState> | undefined
  return (path) => {
    after ??= new Map(
      steps.flatMap(({ action }) =>
        action._tag === "Put" ? [[action.change.path, action.change.after] as const] : [],
      ),
    )
    const state = after.get(path)
    return state === undefined ? undefined : digestOf(state)
  }
}

/** Words in the comment at the top of every file that this program or its predecessor renders. */
const provenance = /^(?:#[^\n]*\n)*#[^\n]*(?:Written|managed) by kata-deploy/

const bearsOurName = (state: FileState.FileState): boolean =>
  state._tag === "File" && provenance.test(state.text)

/** A set that is made when it is first asked for. */
const lazily = <A>(members: () => ReadonlyArray<A>): (() => ReadonlySet<A>) => {
  let made: ReadonlySet<A> | undefined
  return () => (made ??= new Set(members()))
}

/**
 * Whether what is at a path may be replaced by a file of ours: nothing is there or the very same, the ledger names it,
 * or it says by its first lines or its handlers that it is ours, as after a run that was cut off. Source: decisions §3, §4.
 */
export const ours = (
  ledger: Ledger,
): ((path: HostPath.HostPath, found: FileState.FileState, wanted: FileState.FileState) => boolean) => {
  const { adopted, installDir } = ledger
  const recorded = lazily(() => [
    ...ledger.files.map((file) => file.path),
    ...(installDir === undefined
      ? []
      : ledger.components.flatMap((c) => c.entries.map((entry) => HostPath.join(installDir, entry.path)))),
  ])
  return (path, found, wanted) =>
    found._tag === "Absent" ||
    (found._tag === "File" && wanted._tag === "File" && found.text === wanted.text) ||
    (found._tag === "Link" && wanted._tag === "Link" && found.target === wanted.target) ||
    bearsOurName(found) ||
    (installDir !== undefined &&
      ((adopted === "everything" && HostPath.isBelow(path, installDir)) ||
        (found._tag === "File" && Recognition.isKatas(found.text, installDir)))) ||
    recorded().has(path)
}

/** The state without our part, and what is worth saying about it. */
export interface Undone {
  readonly after: FileState.FileState
  readonly notices: ReadonlyArray<Notice>
}

/** Whether a main config that we created holds nothing but what we put there. */
const onlyOurs = (text: string): boolean =>
  Result.match(Toml.parse(text), {
    onFailure: () => false,
    onSuccess: (table) =>
      Object.keys(table).every((key) => key === "version" || key === "imports") &&
      Toml.stringsAt(table, "imports").length === 0 &&
      !text.includes("#"),
  })

/** The programs that the handlers of a text start, by handler. */
const programs = (text: string): ReadonlyMap<string, unknown> =>
  Result.match(Toml.parse(text), {
    onFailure: () => new Map(),
    onSuccess: (table) =>
      new Map(
        Object.values(Toml.tableAt(table, "plugins") ?? {}).flatMap((plugin) =>
          Toml.isTable(plugin)
            ? Object.entries(Toml.tableAt(plugin, "containerd", "runtimes") ?? {}).map(
                ([name, handler]) =>
                  [name, Toml.isTable(handler) ? handler["runtime_path"] : undefined] as const,
              )
            : [],
        ),
      ),
  })

/** Whether a text still has a handler that a block of ours brought, whatever became of the marks. */
const namesHandlersOf = (text: string, block: string): boolean => {
  const there = programs(text)
  return [...programs(block)].some(([name, program]) => program !== undefined && there.get(name) === program)
}

const marksGone = (edit: Edit): Notice => ({
  code: "edit-not-undone",
  severity: "warning",
  message: `The marks around our block in ${edit.path} are gone, but handlers of ours are still in it.`,
  remedy: "Remove the tables of our handlers by hand.",
})

/** What a file says but for the log level, which upstream sets in it and nobody can tell from the operator's. */
const meaning = (text: string): unknown =>
  Result.match(Toml.parse(text), {
    onFailure: () => text,
    onSuccess: (table) => ({ ...table, debug: undefined }),
  })

type File = Extract<FileState.FileState, { readonly _tag: "File" }>

/** What becomes of a file of which `text` is left; one that we made goes with the last word in it that is not ours. */
const left = (state: File, edit: Edit, text: string): Undone => ({
  after: edit.createdFile && onlyOurs(text) ? FileState.absent : { ...state, text },
  notices: [],
})

/** Takes out the handlers that an installer without a ledger wrote; its copy counts where nothing else changed. */
const undoTables = (
  state: File,
  edit: Extract<Edit, { readonly kind: "tables" }>,
  instance: string,
): Undone => {
  const without = Recognition.withoutOurs(
    ContainerdWholeFile.cut(state.text, instance) ?? state.text,
    edit.below,
  )
  const isBackup =
    edit.backup !== null && (without === undefined || Equal.equals(meaning(without), meaning(edit.backup)))
  const text = isBackup ? edit.backup : without
  return text === undefined ? { after: state, notices: [marksGone(edit)] } : left(state, edit, text)
}

/** Takes our elements out of the imports. */
const undoImport = (state: File, edit: Extract<Edit, { readonly kind: "import" }>): Undone =>
  Result.match(ContainerdImports.remove(state.text, edit.elements, edit.region), {
    onFailure: ({ detail }) => ({
      after: state,
      notices: [
        {
          code: "edit-not-undone",
          severity: "warning",
          message: `${edit.path} is no valid TOML any more (${detail}), so our import could not be taken out.`,
          remedy: `Remove ${edit.elements.join(" and ")} from its imports.`,
        },
      ],
    }),
    onSuccess: (text) => left(state, edit, text),
  })

/** Takes our block out; without its marks it cannot be found. */
const undoBlock = (
  state: File,
  edit: Extract<Edit, { readonly kind: "block" }>,
  instance: string,
): Undone => {
  const text = ContainerdWholeFile.cut(state.text, instance) ?? state.text
  return text === state.text && namesHandlersOf(text, edit.block)
    ? { after: state, notices: [marksGone(edit)] }
    : left(state, edit, text)
}

/** Takes one edit out of a file. */
export const undoEdit = (state: FileState.FileState, edit: Edit, instance: string): Undone => {
  if (state._tag !== "File") return { after: state, notices: [] }
  switch (edit.kind) {
    case "tables":
      return undoTables(state, edit, instance)
    case "import":
      return undoImport(state, edit)
    case "block":
      return undoBlock(state, edit, instance)
  }
}

/** What is said when a file that we own as a whole was changed by somebody else before it goes. */
export const changedSince = (owned: OwnedFile, state: FileState.FileState): ReadonlyArray<Notice> =>
  state._tag === "Absent" || owned.digest === null || digestOf(state) === owned.digest
    ? []
    : [
        {
          code: "owned-file-changed",
          severity: "warning",
          message: `${owned.path} was changed by somebody else since we wrote it; it is ours and goes all the same.`,
        },
      ]

/** Whether a containerd file's `imports` still has all these elements. */
export const stillImports = (text: string, elements: ReadonlyArray<string>): boolean =>
  Result.match(Toml.parse(text), {
    onFailure: () => false,
    onSuccess: (table) => {
      const imports = Toml.stringsAt(table, "imports")
      return elements.every((element) => imports.includes(element))
    },
  })
