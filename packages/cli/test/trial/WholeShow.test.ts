import { cpSync, readdirSync } from "node:fs"
import { Architecture } from "@kata-deploy/core"
import { Effect } from "effect"
import { beforeAll, describe, expect, it } from "vitest"
import { run as runProgram } from "../../src/program.ts"
import { distributions } from "../../src/trial/HostFlavour.ts"
import { packSampleComponents, type SampleSummary } from "../../src/trial/SampleComponents.ts"
import * as Trial from "../../src/trial/Trial.ts"
import { plain } from "../../src/render/Paint.ts"
import * as Recorder from "../sample/Recorder.ts"
import { sharedDirectory, temporaryDirectory } from "./TemporaryDirectory.ts"

const packed = sharedDirectory()
let summary: SampleSummary
const architecture = Architecture.fromNodeName(process.arch)

beforeAll(async () => {
  summary = await Effect.runPromise(packSampleComponents(packed(), architecture))
})

/** The show with the program's own actions, on a page that nobody looks at. */
const perform = async (distribution: string, containerd: string) => {
  const recorder = Recorder.make({ architecture })
  const temporary = temporaryDirectory()
  const status = await Effect.runPromise(
    Trial.run({
      distribution,
      containerd,
      shims: undefined,
      afterwards: "remove",
      runAction: (argv) => runProgram(argv, { surroundings: recorder.surroundings }),
      page: { write: recorder.surroundings.stdout.write, columns: 80, paint: plain },
      onInterrupt: recorder.surroundings.onInterrupt,
      architecture,
      packComponents: (directory) =>
        Effect.sync(() => {
          cpSync(packed(), directory, { recursive: true })
          return summary
        }),
      temporary,
    }),
  )
  return { status, text: recorder.stdout(), left: readdirSync(temporary) }
}

describe("the show with the real actions", () => {
  const hosts: ReadonlyArray<readonly [distribution: string, containerd: string]> = [
    ...distributions.map((distribution) => [distribution, "2.1"] as const),
    // With 1.7 vanilla takes a marked block, and k3s a drop-in that repeats the rendered table.
    ["k8s", "1.7"],
    ["k3s", "1.7"],
  ]

  it.each(hosts)("holds on %s with containerd %s", async (distribution, containerd) => {
    const { left, status, text } = await perform(distribution, containerd)
    // The text first: it says what went wrong.
    expect(text.slice(text.indexOf("What "))).toContain("What this has shown")
    expect(status).toBe(0)
    expect(left).toEqual([])
    expect(text).toContain("kata-qemu, kata-clh, kata-qemu-runtime-rs")
    // oxlint-disable-next-line no-control-regex -- piped output holds no escape sequence
    expect(text).not.toMatch(/[\u001b\r]/)
  })
})
