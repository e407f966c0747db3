/** What `@kata-deploy/filesystem` offers: the host's files with Node. */
export * as NodeHostFiles from "./NodeHostFiles.ts"
