/** Answers the vectors about runtime detection, distributions and units. */
import { Schema } from "effect"
import { Distribution } from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"

/** Runner of `02-runtime-detection`. */
export const runner: Vectors.Runner = {
  file: "02-runtime-detection",
  sections: {
    systemdUnit: Vectors.answering(Schema.Struct({ runtime: Schema.String }), ({ runtime }) => ({
      unit: Distribution.lookup(runtime)?.unit,
    })),
  },
}
