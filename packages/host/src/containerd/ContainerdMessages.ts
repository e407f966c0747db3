/**
 * Answers: what is said to containerd's own services? The few messages that we use; fields that nobody reads are left
 * out, which protobuf allows. The same in containerd 1.6 to 2.x. Source: containerd's api/services/…/v1/*.proto.
 */
import type { Method } from "./Wire.ts"

const snapshots = `
syntax = "proto3";
package containerd.services.snapshots.v1;
enum Kind { UNKNOWN = 0; VIEW = 1; ACTIVE = 2; COMMITTED = 3; }
message Info {
  string name = 1;
  string parent = 2;
  Kind kind = 3;
  map<string, string> labels = 6;
}
message ListSnapshotsRequest { string snapshotter = 1; }
message ListSnapshotsResponse { repeated Info info = 1; }
message RemoveSnapshotRequest { string snapshotter = 1; string key = 2; }
message Empty {}
`

const containers = `
syntax = "proto3";
package containerd.services.containers.v1;
message Container {
  string id = 1;
  string image = 3;
  Runtime runtime = 4;
  string snapshotter = 6;
  string snapshot_key = 7;
}
message Runtime { string name = 1; }
message ListContainersRequest {}
message ListContainerMessage { Container container = 1; }
`

const images = `
syntax = "proto3";
package containerd.services.images.v1;
message Descriptor { string digest = 2; }
message Image { string name = 1; Descriptor target = 3; }
message ListImagesRequest {}
message ListImagesResponse { repeated Image images = 1; }
message DeleteImageRequest { string name = 1; bool sync = 2; }
message Empty {}
`

const content = `
syntax = "proto3";
package containerd.services.content.v1;
message Info {
  string digest = 1;
  int64 size = 2;
  map<string, string> labels = 5;
}
message InfoRequest { string digest = 1; }
message InfoResponse { Info info = 1; }
message ListContentRequest {}
message ListContentResponse { repeated Info info = 1; }
message ReadContentRequest { string digest = 1; }
message ReadContentResponse { bytes data = 2; }
message FieldMask { repeated string paths = 1; }
message UpdateRequest { Info info = 1; FieldMask update_mask = 2; }
message UpdateResponse { Info info = 1; }
`

const namespaces = `
syntax = "proto3";
package containerd.services.namespaces.v1;
message Namespace { string name = 1; }
message ListNamespacesRequest {}
message ListNamespacesResponse { repeated Namespace namespaces = 1; }
`

const method =
  (definition: string, servicePackage: string, service: string) =>
  (name: string, request: string, answer: string): Method => ({
    path: `${servicePackage}.${service}/${name}`,
    definition,
    request: `${servicePackage}.${request}`,
    answer: `${servicePackage}.${answer}`,
  })

const ofSnapshots = method(snapshots, "containerd.services.snapshots.v1", "Snapshots")
const ofContainers = method(containers, "containerd.services.containers.v1", "Containers")
const ofImages = method(images, "containerd.services.images.v1", "Images")
const ofContent = method(content, "containerd.services.content.v1", "Content")
const ofNamespaces = method(namespaces, "containerd.services.namespaces.v1", "Namespaces")

/** All namespaces; one answer. */
export const listNamespaces = ofNamespaces("List", "ListNamespacesRequest", "ListNamespacesResponse")
/** Snapshots of a snapshotter; a stream of lists. */
export const listSnapshots = ofSnapshots("List", "ListSnapshotsRequest", "ListSnapshotsResponse")
/** Removes a snapshot's record. */
export const removeSnapshot = ofSnapshots("Remove", "RemoveSnapshotRequest", "Empty")
/** Containers; a stream of single ones, since each carries its whole OCI configuration. */
export const listContainers = ofContainers("ListStream", "ListContainersRequest", "ListContainerMessage")
/** All images; one answer. */
export const listImages = ofImages("List", "ListImagesRequest", "ListImagesResponse")
/** Removes an image's name. */
export const deleteImage = ofImages("Delete", "DeleteImageRequest", "Empty")
/** Blobs; a stream of lists. */
export const listContent = ofContent("List", "ListContentRequest", "ListContentResponse")
/** One blob's size and labels. */
export const contentInfo = ofContent("Info", "InfoRequest", "InfoResponse")
/** A blob's bytes; a stream of pieces. */
export const readContent = ofContent("Read", "ReadContentRequest", "ReadContentResponse")
/** Changes labels of a blob; those that are empty go. */
export const updateContent = ofContent("Update", "UpdateRequest", "UpdateResponse")
