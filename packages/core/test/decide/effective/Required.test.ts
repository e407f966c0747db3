/** Which plugins of the CRI may be required, and what does the daemon do about one that is not there? */
import { describe } from "@effect/vitest"
import { check, cri, every, first, images, plugin, row, runc, second } from "./Rows.ts"

describe("required plugins", () => {
  check([
    row(
      "a required CRI that does not load",
      every,
      { version: 2, required_plugins: [plugin[2]], disabled_plugins: [plugin[2]] },
      {},
      /^refused .*requires/,
    ),
    row(
      "a required server whose other half is disabled",
      second,
      { version: 3, required_plugins: [plugin[2]], disabled_plugins: [plugin[3]] },
      {},
      /^refused .*requires the plugin io.containerd.grpc.v1.cri.*runtime is disabled/,
    ),
    row(
      "a required half that fails for a reason of its own, beside a plugin that nothing is known of",
      second,
      {
        version: 3,
        required_plugins: ["io.containerd.x.v1.y", images],
        plugins: { [images]: { snapshotter: "x" } },
      },
      {},
      /^refused .*requires the plugin io.containerd.cri.v1.images.*"x"/,
    ),
    row(
      "required halves without the server",
      second,
      { version: 3, required_plugins: [plugin[3], images], disabled_plugins: [plugin[2]] },
      {},
      /^no CRI: .*grpc.v1.cri is disabled/,
    ),
    row(
      "a required half without the other",
      second,
      { version: 3, required_plugins: [images], plugins: cri(3, { runc }, { default_runtime_name: "x" }) },
      {},
      /^no CRI: .*default_runtime_name/,
    ),
    row(
      "a required half that needs no default snapshotter",
      second,
      { version: 3, required_plugins: [plugin[3]], plugins: { [images]: { snapshotter: "x" } } },
      {},
      /^no CRI: .*"x"/,
    ),
    row(
      "a required half, which 1.x does not have",
      first,
      { version: 2, required_plugins: [plugin[3]] },
      {},
      /^refused .*cri.v1.runtime.*does not know/,
    ),
    row(
      "the CRI required by its full name in version 1",
      first,
      { required_plugins: [plugin[2]] },
      {},
      /^refused .*grpc.v1.cri.*does not know/,
    ),
    row("the CRI required by its short name in version 1", every, { required_plugins: ["cri"] }, {}, "runc"),
    row("a required CRI that loads", every, { version: 2, required_plugins: [plugin[2]] }, {}, "runc"),
  ])
})
