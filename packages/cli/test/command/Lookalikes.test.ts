import { assert, describe, it } from "vitest"
import * as Lookalikes from "../../src/command/Lookalikes.ts"
import { run } from "../../src/program.ts"
import * as Recorder from "../sample/Recorder.ts"

const find = (env: Record<string, string>) =>
  Lookalikes.find(env).map(({ meant, name }) => `${name}: ${meant}`)

describe("a variable that is none of ours", () => {
  it("is taken for a misspelt one where next to nothing is wrong with it", () => {
    assert.deepStrictEqual(
      find({
        SHIM_X86_64: "qemu",
        KATA_DEPLOY_HOSTROOT: "/",
        NODE_NAM: "worker-1",
        snapshotter_handler_maping_x86_64: "qemu:nydus",
      }),
      [
        "KATA_DEPLOY_HOSTROOT: KATA_DEPLOY_HOST_ROOT",
        "NODE_NAM: NODE_NAME",
        "SHIM_X86_64: SHIMS_X86_64",
        "snapshotter_handler_maping_x86_64: SNAPSHOTTER_HANDLER_MAPPING_X86_64",
      ],
    )
  })

  it("is taken for a setting without its architecture, or with a word in front that only flags have", () => {
    assert.deepStrictEqual(find({ SHIMS: "qemu", KATA_DEPLOY_NODE_NAME: "n", KATA_DEPLOY_SHIMS: "qemu" }), [
      "KATA_DEPLOY_NODE_NAME: NODE_NAME",
      "KATA_DEPLOY_SHIMS: SHIMS_<ARCH>, e.g. SHIMS_X86_64",
      "SHIMS: SHIMS_<ARCH>, e.g. SHIMS_X86_64",
    ])
  })

  it("is left alone where others have given it, or where it is empty", () => {
    const others = {
      NODE_HOME: "/usr",
      NODE_ENV: "production",
      NODE_PATH: "/usr/lib",
      DEBUGINFOD_URLS: "https://x",
      HOSTNAME: "worker-1",
      HEALTH_POST: "",
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      KATA_DEPLOY_SERVICE_HOST: "10.0.0.2",
      KATA_DEPLOY_SERVICE_PORT: "8090",
      KATA_DEPLOY_PORT: "tcp://10.0.0.2:8090",
      KATA_DEPLOY_PORT_8090_TCP_PROTO: "tcp",
      OTEL_EXPORTER_OTLP_HEADERS: "x=y",
    }
    assert.deepStrictEqual(find(others), [])
  })

  it("is one of ours where a table names it", () => {
    const ours = {
      DEBUG: "true",
      SHIMS_S390X: "qemu",
      KATA_DEPLOY_KUBE: "none",
      KATA_DEPLOY_DRIFT_INTERVAL: "60",
      KATA_DEPLOY_SUPERVISOR_FD: "3",
      KATA_DEPLOY_NODE_MACHINE_ID: "x",
      KATA_DEPLOY_TERMINATION_LOG: "/x",
    }
    assert.deepStrictEqual(find(ours), [])
  })

  it("is named in the log, also where the settings fail for the want of it", async () => {
    const { stderr, surroundings } = Recorder.make({ env: { NODE_NAM: "worker-1" } })
    assert.strictEqual(await run(["plan", "--host-root=/", "--systemd=none"], { surroundings }), 2)
    assert.include(stderr(), "NODE_NAME is not set")
    assert.include(stderr(), "The variable NODE_NAM means nothing to this program. Did you mean NODE_NAME?")
  })
})
