/**
 * Answers: what is said on a CRI socket? The few messages of Kubernetes' container runtime interface that we use;
 * fields that nobody reads are left out, which protobuf allows. The two versions differ in the package's name only.
 */
import type { Method } from "../containerd/Wire.ts"

/** Versions of the interface, the newest first; containerd 1.6 and 1.7 have both. */
export const versions = ["v1", "v1alpha2"] as const

/** One of the versions. */
export type Version = (typeof versions)[number]

const definition = (version: Version): string => `
syntax = "proto3";
package runtime.${version};

message VersionRequest { string version = 1; }
message VersionResponse {
  string runtime_name = 2;
  string runtime_version = 3;
}

message StatusRequest { bool verbose = 1; }
message StatusResponse {
  RuntimeStatus status = 1;
  map<string, string> info = 2;
  repeated RuntimeHandler runtime_handlers = 3;
}
message RuntimeStatus { repeated RuntimeCondition conditions = 1; }
message RuntimeCondition {
  string type = 1;
  bool status = 2;
}
message RuntimeHandler { string name = 1; }

message ListPodSandboxRequest { PodSandboxFilter filter = 1; }
message PodSandboxFilter { PodSandboxStateValue state = 2; }
message PodSandboxStateValue { PodSandboxState state = 1; }
enum PodSandboxState {
  SANDBOX_READY = 0;
  SANDBOX_NOTREADY = 1;
}
message ListPodSandboxResponse { repeated PodSandbox items = 1; }
message PodSandbox {
  string id = 1;
  PodSandboxMetadata metadata = 2;
  PodSandboxState state = 3;
  string runtime_handler = 7;
}
message PodSandboxMetadata {
  string name = 1;
  string namespace = 3;
}
`

const definitions: Readonly<Record<Version, string>> = {
  v1: definition("v1"),
  v1alpha2: definition("v1alpha2"),
}

/** A method of the runtime service in one version of the interface. */
export const method = (version: Version, name: "Version" | "Status" | "ListPodSandbox"): Method => ({
  path: `runtime.${version}.RuntimeService/${name}`,
  definition: definitions[version],
  request: `runtime.${version}.${name}Request`,
  answer: `runtime.${version}.${name}Response`,
})

/** containerd's own version, which it tells without a CRI, too. */
export const containerdVersion: Method = {
  path: "containerd.services.version.v1.Version/Version",
  definition: `
syntax = "proto3";
package containerd.services.version.v1;
message Nothing {}
message VersionResponse { string version = 1; }
`,
  request: "containerd.services.version.v1.Nothing",
  answer: "containerd.services.version.v1.VersionResponse",
}
