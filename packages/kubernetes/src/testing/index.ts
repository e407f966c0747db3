/** The double of an API server, for tests of whoever embeds `@kata-deploy/kubernetes`. Not for programs. */
export * as ApiFaults from "./ApiFaults.ts"
export * as ApiServerDouble from "./ApiServerDouble.ts"
export * as Statuses from "./Statuses.ts"
