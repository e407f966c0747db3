/** What `@kata-deploy/kubernetes` offers: layers of the port `NodeApi`, and the rights that they need. */
export * as Access from "./Access.ts"
export * as NodeKubernetes from "./NodeKubernetes.ts"
export * as Patience from "./Patience.ts"
export * as Rights from "./Rights.ts"
export * as WithoutApi from "./WithoutApi.ts"
