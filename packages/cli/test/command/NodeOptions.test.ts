import { assert, describe, it } from "vitest"
import * as Arguments from "../../src/command/Arguments.ts"
import * as NodeOptions from "../../src/command/NodeOptions.ts"
import * as Recorder from "../sample/Recorder.ts"

const decode = (argv: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  NodeOptions.decode(Arguments.parse(argv), Recorder.make({ env }).surroundings)
const offline = ["--kube=none", "--systemd=none"]

describe("the flags about the host", () => {
  it("have the defaults of the pod", () => {
    assert.deepStrictEqual(decode(offline), {
      options: {
        hostRoot: undefined,
        artifacts: "/opt/kata-artifacts",
        kube: "none",
        kubeconfig: undefined,
        context: undefined,
        systemd: "none",
        criRuntime: undefined,
        stateDir: undefined,
        config: undefined,
        publicKey: undefined,
      },
      problems: [],
    })
  })

  it("win over their variables, which win over the defaults", () => {
    const env = {
      KATA_DEPLOY_HOST_ROOT: "/host",
      KATA_DEPLOY_ARTIFACTS: " ",
      KATA_DEPLOY_KUBE: "none",
      KATA_DEPLOY_SYSTEMD: "none",
      KATA_DEPLOY_DETECTED_RUNTIME: "k3s-agent",
      KATA_DEPLOY_STATE_DIR: "/var/lib/kata//state/",
    }
    const { options, problems } = decode(["--host-root=tree"], env)
    assert.deepStrictEqual(problems, [])
    assert.strictEqual(options.hostRoot, "/here/tree")
    assert.strictEqual(options.artifacts, "/opt/kata-artifacts")
    assert.strictEqual(options.criRuntime, "k3s-agent")
    assert.strictEqual(options.stateDir, "/var/lib/kata/state")
  })

  it("find a way to systemd by themselves unless one is named", () => {
    assert.strictEqual(decode(["--kube=none"]).options.systemd, "auto")
    for (const mode of ["auto", "dbus", "nsenter", "none"] as const) {
      const { options, problems } = decode(["--kube=none", `--systemd=${mode.toUpperCase()}`])
      assert.deepStrictEqual([options.systemd, problems], [mode, []])
    }
  })

  it("name the variable that has a wrong value, once", () => {
    const { problems } = decode(["--systemd=none"], {
      KATA_DEPLOY_KUBE: "non",
      KATA_DEPLOY_DETECTED_RUNTIME: "k3z",
    })
    assert.deepStrictEqual(
      problems.map(({ message }) => message),
      [
        'KATA_DEPLOY_KUBE is "non", which it cannot be. Did you mean none?',
        'KATA_DEPLOY_DETECTED_RUNTIME is "k3z", which it cannot be. Did you mean k3s?',
      ],
    )
  })

  it("are not reported a second time when the command line was wrong already", () => {
    assert.deepStrictEqual(decode(["--kube=non", "--systemd=none"]).problems, [])
  })

  it("have to hold an absolute host path for the state", () => {
    assert.match(decode([...offline, "--state-dir=state"]).problems[0]?.remedy ?? "", /absolute path/)
    assert.match(decode([...offline, "--host-root="]).problems[0]?.message ?? "", /--host-root is ""/)
  })
})
