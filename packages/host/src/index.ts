/** What `@kata-deploy/host` offers: layers of the port `HostShell`. */
export * as WithoutSystemd from "./WithoutSystemd.ts"
