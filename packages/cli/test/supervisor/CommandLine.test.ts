import { Settings } from "@kata-deploy/core"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as CommandLine from "../../src/supervisor/CommandLine.ts"

const errands: ReadonlyArray<readonly [argv: string, errand: string | undefined]> = [
  ["install", "install-and-stay"],
  ["install --shims qemu --debug", "install-and-stay"],
  ["--host-root=/x --kube=none install", "install-and-stay"],
  ["install --once", undefined],
  ["install --once=false", undefined],
  ["install --once --when-stopped=cleanup", "install-and-leave"],
  ["install --once --when-stopped cleanup", "install-and-leave"],
  ["install --once --when-stopped=leave", undefined],
  // Who asks what follows on a stop, and means to stay, is told that this goes without saying.
  ["install --when-stopped=leave", undefined],
  ["install --help", undefined],
  ["install -h", undefined],
  ["--version install", undefined],
  ["plan install", undefined],
  // Whether `install` is a value here, only the table of flags knows.
  ["--shims install", undefined],
  ["internal-post-install-wait", "wait"],
  ["cleanup", undefined],
  ["", undefined],
]

describe("a command line", () => {
  for (const [argv, errand] of errands) {
    it(`"${argv}" is ${errand ?? "not the supervisor's business"}`, () =>
      assert.strictEqual(CommandLine.errandOf(argv.split(" ")), errand))
  }

  const child = (argv: string, job: "install" | "cleanup" | "status") =>
    CommandLine.childArguments(argv.split(" "), job).join(" ")

  it("is handed to the installer with --once", () => {
    assert.strictEqual(child("install --shims=qemu", "install"), "install --once --shims=qemu")
    assert.strictEqual(child("--kube=none install", "install"), "install --once --kube=none")
    assert.strictEqual(
      child("install --once --when-stopped cleanup --debug", "install"),
      "install --once --debug",
    )
  })

  it("is handed to the cleanup without what only an install can take", () => {
    assert.strictEqual(
      child("install --rollback never --plan=p.json --lock-timeout 7 --shims qemu", "cleanup"),
      "cleanup --shims qemu",
    )
    assert.strictEqual(child("internal-post-install-wait --debug", "cleanup"), "cleanup --debug")
  })

  it("has drift looked for only where an interval is named", () => {
    const interval = (text?: string) => CommandLine.driftInterval({ KATA_DEPLOY_DRIFT_INTERVAL: text })
    for (const text of [undefined, "", "0"]) assert.deepStrictEqual(interval(text), { seconds: undefined })
    assert.deepStrictEqual(interval(" 60 "), { seconds: 60 })
    for (const text of ["-1", "5m", "60.5", "100000000"]) {
      const { complaint, seconds } = interval(text)
      assert.isUndefined(seconds)
      assert.include(complaint, `KATA_DEPLOY_DRIFT_INTERVAL is "${text}"`)
    }
    assert.strictEqual(child("install --shims qemu", "status"), "status --shims qemu")
  })

  it("leaves the lock 120 of the 540 seconds, and detects the runtime once", () => {
    assert.deepStrictEqual(CommandLine.childVariables("cleanup", "k3s"), {
      KATA_DEPLOY_LOCK_TIMEOUT: "120",
      KATA_DEPLOY_DETECTED_RUNTIME: "k3s",
    })
    assert.deepStrictEqual(CommandLine.childVariables("install", "k3s"), {})
  })
})

describe("the health port", () => {
  const port = (argv: ReadonlyArray<string>, text?: string, file?: string) =>
    CommandLine.healthPlace(argv, { HEALTH_PORT: text }, file)

  it("is the flag's, else the variable's, else the file's, else 8090", () => {
    assert.deepStrictEqual(port(["install"]), { _tag: "Port", port: 8090 })
    assert.deepStrictEqual(port(["install"], undefined, "shims: {}\nhealthPort: 7 # seven\n"), {
      _tag: "Port",
      port: 7,
    })
    assert.deepStrictEqual(port(["install"], "", '{"healthPort": 7}'), { _tag: "Port", port: 7 })
    assert.deepStrictEqual(port(["install"], "8", "healthPort: 7"), { _tag: "Port", port: 8 })
    assert.deepStrictEqual(port(["install", "--health-port", "9"], "8"), { _tag: "Port", port: 9 })
    assert.deepStrictEqual(port(["install", "--health-port=10"], "8"), { _tag: "Port", port: 10 })
  })

  it("is what the settings make of the variable, whatever it is", () => {
    const said = fc.oneof(
      fc.string(),
      fc.integer({ min: -10, max: 70_000 }).map(String),
      fc.integer({ min: 0, max: 99_999 }).map((number) => ` ${number}\t`),
    )
    fc.assert(
      fc.property(said, (text) => {
        const decoded = Settings.decode({
          architecture: "x86_64",
          variables: { HEALTH_PORT: text },
          customConfigs: { _tag: "Files", files: new Map() },
          api: "not-used",
        })
        const place = port(["install"], text)
        assert.strictEqual(
          place._tag === "Port" ? place.port : undefined,
          Result.isSuccess(decoded) ? decoded.success.healthPort : undefined,
        )
      }),
    )
  })

  it("of the waiting half is a socket that was handed over", () => {
    assert.deepStrictEqual(CommandLine.adopted({ KATA_DEPLOY_HEALTH_FD: "5" }), { _tag: "Descriptor", fd: 5 })
    assert.deepStrictEqual(CommandLine.adopted({ KATA_DEPLOY_HEALTH_FD: " " }), { _tag: "Nowhere" })
    assert.deepStrictEqual(CommandLine.adopted({ KATA_DEPLOY_HEALTH_FD: "x" }), { _tag: "Wrong", text: "x" })
  })
})
