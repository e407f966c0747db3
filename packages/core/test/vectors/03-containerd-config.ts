/** Answers the vectors about containerd's configuration: whole nodes before and after configuring and cleaning up. */
import type { Vectors } from "@kata-deploy/core/testing"
import { containerdRules } from "./pod/criRules.ts"
import { hostCases } from "./pod/hostCases.ts"

/** Runner of `03-containerd-config`. */
export const runner: Vectors.Runner = {
  file: "03-containerd-config",
  sections: { cases: hostCases(containerdRules) },
}
