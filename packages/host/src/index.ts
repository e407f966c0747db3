/** What `@kata-deploy/host` offers: layers of the port `HostShell`, and what they decide without a host. */
export * as NodeContainerd from "./containerd/NodeContainerd.ts"
export * as NodeHostShell from "./NodeHostShell.ts"
export * as Sight from "./sight/Sight.ts"
export * as SystemdJob from "./SystemdJob.ts"
export * as UnitName from "./UnitName.ts"
export * as WithoutSystemd from "./WithoutSystemd.ts"
