/** What `@kata-deploy/filesystem` offers: the host's files with Node, and the archives of components. */
export * as ComponentArchives from "./ComponentArchives.ts"
export * as NodeHostFiles from "./NodeHostFiles.ts"
