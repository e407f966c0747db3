/**
 * Answers: how does the next cleanup know of a restart that failed, or that was not reached? The restart comes last, when
 * the ledger is gone already; where it did not come to pass, a ledger is left that owns nothing and names it.
 * Source: decisions §1, §4.
 */
import { Effect } from "effect"
import * as RestartNeed from "../decide/RestartNeed.ts"
import * as TemporaryPlace from "../decide/TemporaryPlace.ts"
import type { Fact } from "../input/Fact.ts"
import * as Distribution from "../model/Distribution.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Instance from "../model/Instance.ts"
import * as Change from "../plan/Change.ts"
import * as Ledger from "../plan/Ledger.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { HostShell, type UnitRun } from "../ports/HostShell.ts"

/** The cleanup whose restart did not come to pass. */
export interface MissedRestart {
  readonly instance: Instance.Instance
  readonly stateDir: HostPath.HostPath
  /** Version of this program. */
  readonly release: string
  /** The CRI runtime whose configuration was taken back. */
  readonly runtime: string
  /** How its unit ran before the cleanup. */
  readonly before: Fact<UnitRun>
}

/**
 * Leaves the ledger, unless one is there: that one names the restart already. Never fails, since a run that comes here
 * has failed or was stopped, and says so.
 */
export const remember = Effect.fn("OwedRestart.remember")(function* ({
  before,
  instance,
  release,
  runtime,
  stateDir,
}: MissedRestart): Effect.fn.Return<void, never, HostFiles | HostShell> {
  const files = yield* HostFiles
  const shell = yield* HostShell
  const row = Distribution.lookup(runtime)
  const restartDue = RestartNeed.owedSince(before)
  const isAbsent = (path: HostPath.HostPath) => Effect.map(files.look(path), ({ _tag }) => _tag === "Absent")
  const path = Ledger.pathIn(stateDir)
  if (row === undefined || !(yield* isAbsent(path))) return
  if (!RestartNeed.isOwed(restartDue, yield* shell.unitRun(row.unit))) return
  const directories = yield* Effect.filter([...HostPath.ancestors(stateDir), stateDir], isAbsent)
  const empty = Ledger.empty(Instance.name(instance), release, runtime)
  const ledger = { ...empty, installDir: instance.installDir, directories, restartDue }
  const changes = [
    ...directories.map((directory) => Change.make(directory, FileState.absent, FileState.directory())),
    Change.make(path, FileState.absent, FileState.file(Ledger.encode(ledger))),
  ]
  const places = { installDir: instance.installDir, stateDir }
  yield* Effect.ignore(
    Effect.forEach(changes, (change) => files.put(change, TemporaryPlace.of(change.path, places)), {
      discard: true,
    }),
  )
})
