import { assert, describe, it } from "@effect/vitest"
import { RuntimeLog } from "../../src/index.ts"

/** What containerd writes at a start at which all is well (measured on 1.6.20 and 2.1.9). */
const healthy = [
  'time="2026-11-21T14:56:22.581311012Z" level=info msg="starting containerd" revision= version=1.6.20',
  'time="2026-11-21T14:56:22.586757802Z" level=warning msg="failed to load plugin io.containerd.snapshotter.v1.devmapper" error="devmapper not configured"',
  'time="2026-11-21T14:56:22.587262934Z" level=warning msg="could not use snapshotter devmapper in metadata plugin" error="devmapper not configured"',
  'time="2026-11-21T14:56:22.627871906Z" level=error msg="failed to load cni during init, please check CRI plugin status before setting up network for pods" error="cni config load failed: no network config found in /etc/cni/net.d: cni plugin not initialized: failed to load cni config"',
  'time="2026-11-21T14:56:22.628000000Z" level=info msg="containerd successfully booted in 0.045s"',
]

const noRuntime =
  'error="invalid plugin config: no corresponding runtime configured in `containerd.runtimes` for `containerd` `default_runtime_name = \\"nope\\""'
const noRuntimeInWords =
  'invalid plugin config: no corresponding runtime configured in `containerd.runtimes` for `containerd` `default_runtime_name = "nope"'

/** Lines of real daemons, and the reasons that people are told. */
const refused: ReadonlyArray<{
  readonly what: string
  readonly lines: ReadonlyArray<string>
  readonly reasons: ReadonlyArray<string>
}> = [
  {
    what: "broken TOML in a drop-in, by containerd 1.6 and 1.7",
    lines: [
      "containerd: failed to load TOML: /etc/containerd/conf.d/x.toml: (2, 2): unexpected token unclosed table key, was expecting a table key",
    ],
    reasons: [
      "containerd: failed to load TOML: /etc/containerd/conf.d/x.toml: (2, 2): unexpected token unclosed table key, was expecting a table key",
    ],
  },
  {
    what: "broken TOML in a drop-in, by containerd 2.1, which names the file in another line",
    lines: [
      'time="2026-11-21T14:55:47Z" level=error msg="Failure unmarshaling TOML" column=9 error="toml: expected \']\' to close table name" file=/etc/containerd/conf.d/x.toml row=2',
      "containerd: failed to unmarshal TOML at row 2 column 9: toml: expected ']' to close table name",
    ],
    reasons: [
      "Failure unmarshaling TOML: toml: expected ']' to close table name: /etc/containerd/conf.d/x.toml (row 2, column 9)",
      "containerd: failed to unmarshal TOML at row 2 column 9: toml: expected ']' to close table name",
    ],
  },
  {
    what: "a value of a wrong type, by containerd 1.6 and 1.7",
    lines: ["containerd: (3, 1): Can't convert 5(int64) to string"],
    reasons: ["containerd: (3, 1): Can't convert 5(int64) to string"],
  },
  {
    what: "a value of a wrong type, by containerd 2.1",
    lines: [
      'time="2026-11-21T14:55:47.421193080Z" level=warning msg="Configuration migrated from version 2, use `containerd config migrate` to avoid migration" t="12.339µs"',
      "containerd: toml: cannot decode TOML integer into struct field config.Runtime.Type of type string",
    ],
    reasons: [
      "containerd: toml: cannot decode TOML integer into struct field config.Runtime.Type of type string",
    ],
  },
  {
    what: "an import that is missing, by containerd 1.6 and 1.7",
    lines: [
      "containerd: failed to load TOML: /etc/containerd/x.toml: open /etc/containerd/x.toml: no such file or directory",
    ],
    reasons: [
      "containerd: failed to load TOML: /etc/containerd/x.toml: open /etc/containerd/x.toml: no such file or directory",
    ],
  },
  {
    what: "an import that is missing, by containerd 2.1",
    lines: ["containerd: open /etc/containerd/x.toml: no such file or directory"],
    reasons: ["containerd: open /etc/containerd/x.toml: no such file or directory"],
  },
  {
    what: "a default runtime that nothing defines, by containerd 1.6 and 1.7, which go on without CRI",
    lines: [
      `time="2026-11-21T14:55:38.605048141Z" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" ${noRuntime}`,
    ],
    reasons: [`failed to load plugin io.containerd.grpc.v1.cri: ${noRuntimeInWords}`],
  },
  {
    what: "a default runtime that nothing defines, by containerd 2.1, which says it once for each plugin",
    lines: [
      `time="2026-11-21T14:55:47.748646391Z" level=warning msg="failed to load plugin" ${noRuntime} id=io.containerd.cri.v1.runtime type=io.containerd.cri.v1`,
      ...["podsandbox.controller.v1.podsandbox", "grpc.v1.sandbox-controllers", "grpc.v1.cri"].map(
        (id) =>
          `time="2026-11-21T14:55:47.749Z" level=warning msg="failed to load plugin" ${noRuntime.replace('="', '="unable to load CRI runtime service plugin dependency: ')} id=io.containerd.${id}`,
      ),
    ],
    reasons: [
      `failed to load plugin: ${noRuntimeInWords}`,
      `failed to load plugin: unable to load CRI runtime service plugin dependency: ${noRuntimeInWords}`,
    ],
  },
  {
    what: "a proxy plugin without a type, by a panic",
    lines: ["panic: plugin: no type", "", "goroutine 1 [running]:"],
    reasons: ["panic: plugin: no type"],
  },
]

describe("RuntimeLog", () => {
  it("finds no reason in the log of a start at which all is well", () => {
    assert.deepStrictEqual(RuntimeLog.reasons(healthy), [])
    assert.deepStrictEqual(RuntimeLog.reasons([]), [])
  })

  for (const { lines, reasons, what } of refused) {
    it(`tells ${what}, and nothing of what is usual`, () => {
      assert.deepStrictEqual(RuntimeLog.reasons([...healthy, ...lines]), reasons)
      assert.deepStrictEqual(RuntimeLog.reasons([...lines, ...healthy]), reasons)
    })
  }

  it("tells each reason once and the last three, oldest first: systemd starts the daemon again and again", () => {
    const lines = [1, 2, 3, 4, 4, 3, 4].map((n) => `containerd: reason ${n}`)
    assert.deepStrictEqual(
      RuntimeLog.reasons(lines),
      [2, 3, 4].map((n) => `containerd: reason ${n}`),
    )
  })

  it("unquotes what logfmt quotes, and takes a line that is none as it is", () => {
    assert.deepStrictEqual(
      RuntimeLog.reasons(['level=fatal msg="a \\"b\\" c:\\\\d"', "  fatal: no logfmt here  "]),
      ['a "b" c:\\d', "fatal: no logfmt here"],
    )
  })
})
