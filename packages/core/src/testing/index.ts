/** Doubles of the ports, and the conformance suites that they share with the real adapters. Not for programs. */
export * as HostFilesConformance from "./HostFilesConformance.ts"
export * as HostFilesMemory from "./HostFilesMemory.ts"
export * as HostShellMemory from "./HostShellMemory.ts"
export * as MemoryFaults from "./MemoryFaults.ts"
export * as MemoryTree from "./MemoryTree.ts"
export * as NodeApiMemory from "./NodeApiMemory.ts"
export * as SampleArchive from "./SampleArchive.ts"
export * as Vectors from "./Vectors.ts"
