/** Answers the vectors about CRI-O's drop-ins. */
import type { Vectors } from "@kata-deploy/core/testing"
import { crioRules } from "./pod/criRules.ts"
import { hostCases } from "./pod/hostCases.ts"

/** Runner of `04-crio`. */
export const runner: Vectors.Runner = { file: "04-crio", sections: { cases: hostCases(crioRules) } }
