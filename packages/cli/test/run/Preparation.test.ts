import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { FileState, type Run } from "@kata-deploy/core"
import { run } from "../../src/program.ts"
import { emptyPlan } from "../sample/Documents.ts"
import * as Recorder from "../sample/Recorder.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kata-deploy-preparation-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const offline = ["--kube=none", "--systemd=none"]

const start = async (argv: ReadonlyArray<string>, options: Recorder.Options = {}) => {
  const recorder = Recorder.make({ workingDirectory: directory, customConfigs: directory, ...options })
  let asked: Run.Request | undefined
  const status = await run([...argv, "--output=json"], {
    surroundings: recorder.surroundings,
    engineFor: () =>
      Promise.resolve({
        plan: (request) => {
          asked = request
          return Effect.succeed(emptyPlan)
        },
        run: () => Effect.die("not asked for"),
        status: () => Effect.succeed({ instances: [] }),
        snapshots: () => Effect.die("not asked for"),
        setMode: () => Effect.die("not asked for"),
      }),
  })
  const document = JSON.parse(recorder.stdout()) as {
    readonly problems?: ReadonlyArray<{ readonly message: string }>
  }
  return { status, asked, messages: (document.problems ?? []).map(({ message }) => message) }
}

describe("what is asked for", () => {
  it("comes from flags, variables and the file, and wrong ones of all three are told together", async () => {
    writeFileSync(join(directory, "s.yaml"), "healthPort: 99999\nshimz: x\n")
    const { messages, status } = await start(
      ["plan", "--config=s.yaml", "--shims=clhh", "--host-root=none", "--bogus", ...offline],
      { env: { EROFS_MERGE_MODE: "perhaps" } },
    )
    assert.strictEqual(status, 2)
    assert.deepStrictEqual(messages, [
      "--bogus is no flag of this program.",
      `The host root ${directory}/none is no directory that can be looked at.`,
      `The settings file ${directory}/s.yaml has the unknown key "shimz". Did you mean shims?`,
      `EROFS_MERGE_MODE is "perhaps", which it cannot be.`,
      `healthPort in ${directory}/s.yaml is "99999", which it cannot be.`,
      '--shims names the unknown shim "clhh". Did you mean clh?',
    ])
  })

  it("needs its settings file", async () => {
    const { messages, status } = await start(["plan", "--config=s.yaml", "--host-root=.", ...offline])
    assert.strictEqual(status, 2)
    assert.deepStrictEqual(messages, [
      `The settings file ${directory}/s.yaml cannot be read: there is no such file.`,
    ])
  })

  it("holds the operator's custom runtimes and drop-ins", async () => {
    writeFileSync(join(directory, "custom-runtimes.list"), "kata-mine:clh\n")
    writeFileSync(join(directory, "dropin-qemu.toml"), "a = 1\n")
    const { asked, status } = await start([
      "plan",
      "--host-root=.",
      "--shims=qemu",
      "--custom-runtimes-enabled",
      ...offline,
    ])
    assert.strictEqual(status, 0)
    assert.deepStrictEqual(
      asked?.settings.customRuntimes.map(({ handler }) => handler),
      ["kata-mine"],
    )
    assert.strictEqual(asked?.settings.shimDropIns.get("qemu"), "a = 1\n")
  })

  it("needs the operator's files for an install, and not to take anything away", async () => {
    const flags = ["--host-root=.", "--shims=qemu", "--custom-runtimes-enabled", ...offline]
    writeFileSync(join(directory, "custom-runtimes.list"), "kata-mine:clhh\n")
    writeFileSync(join(directory, "dropin-qemu.toml"), Buffer.from([0x23, 0xff]))
    const { messages, status } = await start(["plan", ...flags])
    assert.strictEqual(status, 2)
    assert.lengthOf(messages, 2)
    assert.match(messages[0] ?? "", /unknown shim clhh/)
    assert.match(messages[1] ?? "", /dropin-qemu\.toml cannot be used \(it is not UTF-8 text\)/)
    assert.strictEqual((await start(["plan", "cleanup", ...flags])).status, 0)
    assert.strictEqual((await start(["status", ...flags])).status, 0)
  })

  it("holds the operator's containerd drop-in for an install, and does not need it for a cleanup", async () => {
    const flags = ["--host-root=.", "--containerd-user-drop-in-source-file=mine.toml", ...offline]
    const { messages, status } = await start(["plan", ...flags])
    assert.strictEqual(status, 2)
    assert.match(
      messages[0] ?? "",
      /--containerd-user-drop-in-source-file names .*mine\.toml, which cannot be read: there is no such file/,
    )
    assert.strictEqual((await start(["plan", "cleanup", ...flags])).status, 0)
    writeFileSync(join(directory, "mine.toml"), "x = 1\n")
    assert.deepStrictEqual((await start(["plan", ...flags])).asked?.userDropIn, FileState.file("x = 1\n"))
  })

  it("needs root where the host itself would be changed", async () => {
    const { messages, status } = await start(["plan", ...offline], { isRoot: false })
    assert.strictEqual(status, 3)
    assert.match(messages[0] ?? "", /^Without --host-root this looks at the host itself/)
    const install = await start(["install", "--once", ...offline], { isRoot: false })
    assert.match(install.messages[0] ?? "", /^Without --host-root this changes the host itself/)
    assert.strictEqual((await start(["plan", "--host-root=.", ...offline], { isRoot: false })).status, 0)
  })

  it("needs the node's name where the API is asked, and only there", async () => {
    const unnamed = ["--host-root=.", "--systemd=none"]
    const { messages, status } = await start(["plan", ...unnamed])
    assert.strictEqual(status, 2)
    assert.deepStrictEqual(messages.length, 1)
    assert.match(messages[0] ?? "", /^NODE_NAME is not set/)
    assert.strictEqual((await start(["plan", ...unnamed, "--node-name=worker-1"])).status, 0)
    assert.strictEqual((await start(["plan", ...unnamed, "--kube=none"])).status, 0)
    assert.deepStrictEqual((await start(["plan", ...unnamed, "--kube=nope"])).messages, [
      '--kube is "nope", which it cannot be. Did you mean none?',
    ])
  })

  it("asks no API for a stage, which its dispatcher has done", async () => {
    const { status } = await start(["plan", "install-stage-cri", "--host-root=.", "--systemd=none"])
    assert.strictEqual(status, 0)
  })

  it("does not guess what is meant by a kubeconfig that is not to be read", async () => {
    const { messages, status } = await start(["plan", ...offline, "--kubeconfig=x", "--context=y"])
    assert.strictEqual(status, 2)
    assert.deepStrictEqual(messages, [
      "--kubeconfig names what a kubeconfig holds, but --kube none reads none.",
      "--context names what a kubeconfig holds, but --kube none reads none.",
    ])
  })
})
