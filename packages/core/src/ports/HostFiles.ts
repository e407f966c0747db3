/**
 * The boundary to the host's files and to the artifact directory. Implemented by `@kata-deploy/filesystem` below a
 * real root and by the in-memory double of `@kata-deploy/core/testing`; both pass the same conformance suite.
 *
 * No method is named after a policy. Looking never fails: what cannot be seen is an answer.
 */
import { Context, type Effect } from "effect"
import type { Fact } from "../input/Fact.ts"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { HostAction } from "../plan/Action.ts"
import type { Change } from "../plan/Change.ts"
import type { ArchiveId, OwnedEntry } from "../plan/Ledger.ts"
import type { HostError, HostErrorReason } from "./HostError.ts"

/** The `Extract` action. */
export type ExtractAction = Extract<HostAction, { readonly _tag: "Extract" }>
/** The `RemoveTree` action. */
export type RemoveTreeAction = Extract<HostAction, { readonly _tag: "RemoveTree" }>

/** An entry that is not as the ledger has it, and what is there instead. */
export interface DriftedEntry {
  readonly entry: OwnedEntry
  /** The digest of a file is empty where its size or mode told already. */
  readonly found: Fingerprint
}

/** What comparing entries with what is there came to. */
export interface Comparison {
  /** Entries that are not as they should be. */
  readonly drifted: ReadonlyArray<DriftedEntry>
  /** Files that are as they should be at other times than recorded, each with the times that it has now. */
  readonly renewed: ReadonlyArray<OwnedEntry>
}

/** When the bytes of a file were written, and when its inode last changed; milliseconds since the epoch. */
export interface FileTimes {
  readonly modifiedMs: number
  readonly changedMs: number
}

/** What is in a directory: names sorted, or the reason why there is no list. */
export type Listing =
  | { readonly _tag: "Names"; readonly names: ReadonlyArray<string> }
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Unreadable"; readonly detail: string }

/** What an owned path looks like now, for drift: `digest` is as in the ledger (`sha256` hex or `link:<target>`). */
export type Fingerprint =
  | { readonly _tag: "Absent" }
  | {
      readonly _tag: "File"
      readonly size: number
      readonly mode: number
      readonly digest: string
      /** Left out where nobody asks for them. */
      readonly times?: FileTimes
    }
  | { readonly _tag: "Link"; readonly target: string }
  | { readonly _tag: "Directory" }
  | { readonly _tag: "Unreadable"; readonly detail: string }

/** A component archive as it lies in the artifact directory. */
export interface ArchiveFacts {
  /** Path relative to the artifact directory. */
  readonly archive: string
  /** Digest, size and time. */
  readonly id: ArchiveId
  /** Bytes that unpacking it takes, where the archive says so. */
  readonly unpackedBytes: number | undefined
}

/** How far an extraction has come. */
export interface ExtractProgress {
  /** The component being unpacked. */
  readonly component: string
  /** Compressed bytes read so far, of all components of the action. */
  readonly bytes: number
  /** Compressed bytes in total. */
  readonly totalBytes: number
}

/** What an extraction is about to put down: everything is unpacked beside the tree and nothing below `into` changed. */
export interface StagedExtraction {
  /** Entries that each component will put down, in the ledger's form; times are known once they are in place. */
  readonly entries: ReadonlyMap<string, ReadonlyArray<OwnedEntry>>
}

/** What an extraction did; ends with exactly one of `commit` and `revert`. */
export interface Extraction {
  /** Entries that each component put down, in the ledger's form, with the times that files have in their places. */
  readonly entries: ReadonlyMap<string, ReadonlyArray<OwnedEntry>>
  /** SHA-256 of each component's archive; as the action has it where it has one. */
  readonly digests: ReadonlyMap<string, string>
  /** Entries outside `opt/kata` that were skipped. */
  readonly skipped: number
  /** Directories below `into` that were not there before, relative to it, parents first. */
  readonly createdDirectories: ReadonlyArray<string>
  /** Drops what was kept for going back. */
  readonly commit: Effect.Effect<void, HostError>
  /** Brings back every file that the extraction replaced or removed, and takes away what it added. */
  readonly revert: Effect.Effect<void, HostError>
}

/** Why a path is left of which nothing that is to be removed is known. */
export const notOurs = "not ours"

/** What removing a tree left behind. */
export interface Removal {
  /** Entries that were removed or already gone. */
  readonly removed: number
  /** What the files held that were removed with everything in the tree, in bytes; 0 where entries were listed. */
  readonly bytes: number
  /** Paths that stay, each with the reason (`not ours`, `mount point`). What is below one that is left alone stays, too. */
  readonly left: ReadonlyArray<{ readonly path: HostPath; readonly why: string }>
  /** Paths that should have gone and did not; everything else was tried all the same. */
  readonly failed: ReadonlyArray<{ readonly path: HostPath; readonly reason: HostErrorReason }>
}

/** The host's files, and the directory with the component archives. */
export class HostFiles extends Context.Service<
  HostFiles,
  {
    /** What is at a path, links not followed at its last component. Text files up to 16 MiB are read whole. */
    readonly look: (path: HostPath) => Effect.Effect<FileState>
    /** The names in a directory, sorted bytewise. */
    readonly list: (directory: HostPath) => Effect.Effect<Listing>
    /** Size, mode and digest of what is at a path, without its content. */
    readonly fingerprint: (path: HostPath) => Effect.Effect<Fingerprint>
    /**
     * The entries below `root` that differ from what they should be. `metadata` compares type, size, mode, times and
     * link target, and the digest of a file whose times differ; `contents` digests every file. What cannot be looked
     * at has drifted.
     */
    readonly drift: (
      root: HostPath,
      entries: ReadonlyArray<OwnedEntry>,
      depth: "metadata" | "contents",
    ) => Effect.Effect<Comparison>
    /** Whether a directory is a mount point. */
    readonly isMountPoint: (directory: HostPath) => Effect.Effect<Fact<boolean>>
    /** Bytes that may still be written to the filesystem that holds `path` (or its nearest existing ancestor). */
    readonly freeBytes: (path: HostPath) => Effect.Effect<Fact<number>>
    /** Whether this process may write at `path`: create it, or replace what is there. */
    readonly mayWrite: (path: HostPath) => Effect.Effect<Fact<boolean>>
    /**
     * Makes one change atomically, provided that the path still is what `change.before` says (else `Drifted`).
     * Temporary files are made in `temporaryIn`, which has to be on the same filesystem. Changing to `Absent`
     * removes a file, a link or an empty directory.
     */
    readonly put: (change: Change, temporaryIn: HostPath) => Effect.Effect<void, HostError>
    /**
     * Removes each directory that is empty and no mount point, in the given order; tells which ones went. What lies
     * below one of them that is a link now stays: it is somebody else's.
     */
    readonly prune: (
      directories: ReadonlyArray<HostPath>,
    ) => Effect.Effect<ReadonlyArray<HostPath>, HostError>
    /** Removes a tree or the owned part of one. Fails only when it could not begin. */
    readonly removeTree: (action: RemoveTreeAction) => Effect.Effect<Removal, HostError>
    /**
     * Unpacks or copies components beside the tree and moves them into place; nothing below `into` changes when it
     * fails. Where something is at a path of theirs that is neither owned nor the very same, it fails with `Taken`, all
     * such paths named, before anything is moved.
     * `staged` is told what is about to be moved, after all of it was unpacked and before the first rename; when it
     * fails, nothing is moved. Interrupting ends the unpacking, even in an uninterruptible region, and nothing after it:
     * such a region is the only place where whoever asked is sure to get the way back.
     */
    readonly extract: (
      action: ExtractAction,
      progress: (at: ExtractProgress) => Effect.Effect<void>,
      staged: (about: StagedExtraction) => Effect.Effect<void, HostError>,
    ) => Effect.Effect<Extraction, HostError>
    /** Where the artifact directory is, as this process names it; for messages. */
    readonly artifactDirectory: string
    /** A text file of the artifact directory, by relative path (`shim-components.json`). */
    readonly artifact: (relative: string) => Effect.Effect<FileState>
    /** The names in a directory of the artifact directory, sorted bytewise. */
    readonly artifactNames: (relative: string) => Effect.Effect<Listing>
    /**
     * Size, permissions and digest of a file of the artifact directory that is copied as it is; one that the
     * directory's checksums do not vouch for is refused, like an archive.
     */
    readonly artifactProgram: (relative: string) => Effect.Effect<Fingerprint, HostError>
    /**
     * Identity of a component's archive; `undefined` when there is none. The digest is `known`'s while size, time and
     * inode agree. It is computed where the size alone agrees, since the archive may be the same, and where checksums
     * have to be held against it; otherwise it is `null`, and unpacking tells it.
     */
    readonly archive: (
      relative: string,
      known: ArchiveId | undefined,
    ) => Effect.Effect<ArchiveFacts | undefined, HostError>
    /** SHA-256 of an archive in hexadecimal, for whoever cannot wait until it is unpacked. */
    readonly archiveDigest: (relative: string) => Effect.Effect<string, HostError>
    /**
     * Texts in an archive that planning needs (`ArchiveEntry.isPlanned`), by path relative to `opt/kata`: all of them, or
     * at least the `wanted` ones that it has. Only for all of them it is read to its end.
     */
    readonly archivedConfigs: (
      relative: string,
      wanted: "all" | ReadonlyArray<string>,
    ) => Effect.Effect<ReadonlyMap<string, string>, HostError>
  }
>()("@kata-deploy/core/HostFiles") {}
