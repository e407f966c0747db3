/** What `@kata-deploy/kubernetes` offers: layers of the port `NodeApi`. */
export * as WithoutApi from "./WithoutApi.ts"
