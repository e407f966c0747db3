/**
 * What `@kata-deploy/core/archive` offers: the decisions about archive entries, and nothing that needs `effect`. Worker
 * threads load it, each by itself, so it has to stay small.
 */
export * as ArchiveEntry from "./model/ArchiveEntry.ts"
export * as HostPath from "./model/HostPath.ts"
