import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse } from "smol-toml"
import * as PodHost from "../vectors/pod/PodHost.ts"
import { tidy } from "../vectors/pod/PodPaths.ts"
import * as Vectors from "../Vectors.ts"

type Texts = Readonly<Record<string, string>>

interface HostCase {
  readonly name: string
  readonly input: {
    readonly runtime: string
    readonly containerRuntimeVersion: string | null
    readonly env: Texts
    readonly filesBefore: Texts
  }
  readonly expected: {
    readonly steps: ReadonlyArray<{
      readonly step: string
      readonly ok?: boolean
      readonly filesAfter: Texts
    }>
  }
}

const cases = [
  ...Vectors.section<HostCase>("03-containerd-config", "cases"),
  ...Vectors.section<HostCase>("04-crio", "cases"),
].filter(({ expected }) => expected.steps[0]?.step === "configure" && expected.steps[0].ok === true)

const installDir = (env: Texts): string =>
  env["MULTI_INSTALL_SUFFIX"] === undefined ? "/opt/kata" : `/opt/kata-${env["MULTI_INSTALL_SUFFIX"]}`

/** The node as upstream left it after installing. */
const upstreamNode = ({ expected, input }: HostCase): PodHost.PodHost => {
  const ofProcess = Object.entries(input.filesBefore).filter(([path]) => path.startsWith("/custom-"))
  const left = Object.entries(expected.steps[0]!.filesAfter).map(
    ([path, text]) => [tidy(path), text] as const,
  )
  return Result.getOrThrow(
    PodHost.make({
      runtime: input.runtime,
      version: input.containerRuntimeVersion ?? undefined,
      env: input.env,
      files: {
        ...Object.fromEntries([...ofProcess, ...left]),
        [`${installDir(input.env)}/bin/containerd-shim-kata-v2`]: "shim",
        [`${installDir(input.env)}/share/old-release`]: "left by upstream",
      },
    }),
  )
}

/** What files say; an empty `imports` and an empty file say nothing, and the log level is nobody's in particular. */
const meaning = (files: Texts): unknown =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => {
      const { debug: _, imports, ...rest } = parse(text)
      return [path, Array.isArray(imports) && imports.length > 0 ? { ...rest, imports } : rest]
    }),
  )

const isOfHost = ([path]: readonly [string, string]): boolean => !path.startsWith("/custom-")

/** The files before upstream came; a main config that it made is not told from one that was there (W-14). */
const before = ({ expected, input }: HostCase): Texts => {
  const there = Object.fromEntries(Object.entries(input.filesBefore).filter(isOfHost))
  const first = expected.steps[0]!.filesAfter
  const backup = first["/etc/containerd/config.toml.bak"]
  const main = "/etc/containerd/config.toml"
  return backup !== undefined && there[main] === undefined ? { ...there, [main]: backup } : there
}

const ok = (outcome: PodHost.StepOutcome): void => {
  assert.isTrue("ok" in outcome, "said" in outcome ? outcome.said : "")
}

const stale = "stale drop-in content kept"

describe("Adoption", () => {
  for (const each of cases.filter((c) => c.name !== stale)) {
    it(`a cleanup takes away what upstream left: ${each.name}`, () => {
      const host = upstreamNode(each)
      ok(host.run("cleanup", each.input.env))
      assert.deepStrictEqual(meaning(host.files()), meaning(before(each)))
      ok(host.run("cleanup", each.input.env))
    })

    it(`and stage by stage: ${each.name}`, () => {
      const host = upstreamNode(each)
      ok(host.run("cleanup-stage-revert-cri", each.input.env))
      const artifacts = [`${installDir(each.input.env)}/bin/containerd-shim-kata-v2`]
      assert.containsAllKeys(host.files(), artifacts)
      ok(host.run("cleanup-stage-remove-artifacts", each.input.env))
      assert.deepStrictEqual(meaning(host.files()), meaning(before(each)))
    })

    it(`an install goes over it, and its cleanup leaves nothing of either: ${each.name}`, () => {
      const host = upstreamNode(each)
      ok(host.run("install-stage-cri", each.input.env))
      ok(host.run("cleanup", each.input.env))
      assert.deepStrictEqual(meaning(host.files()), meaning(before(each)))
    })
  }

  const k3s = "/etc/containerd/config.toml"
  const shared = "/etc/containerd/config-v3.toml.d/kata-deploy.toml"
  const dropIn = (...installs: ReadonlyArray<readonly [handler: string, dir: string]>): string =>
    installs
      .map(
        ([handler, dir]) =>
          `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${handler}]\nruntime_path = "${dir}/bin/containerd-shim-kata-v2"\n`,
      )
      .join("\n")
  const node = (suffix: string | undefined, text: string) =>
    Result.getOrThrow(
      PodHost.make({
        runtime: "k3s",
        version: "containerd://2.1.5-k3s1",
        env: { SHIMS_X86_64: "qemu", ...(suffix === undefined ? {} : { MULTI_INSTALL_SUFFIX: suffix }) },
        files: {
          [k3s]:
            'version = 3\nimports = ["/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/*.toml"]\n',
          [shared]: text,
        },
      }),
    )
  const env = { SHIMS_X86_64: "qemu" }
  const dev = { ...env, MULTI_INSTALL_SUFFIX: "dev" }
  const both = dropIn(["kata-qemu", "/opt/kata"], ["kata-qemu-dev", "/opt/kata-dev"])

  it("moves handlers of an install with a suffix out of the file that upstream does not name after it", () => {
    const host = node("dev", dropIn(["kata-qemu-dev", "/opt/kata-dev"]))
    ok(host.run("install-stage-cri", dev))
    assert.sameMembers(Object.keys(host.files()), [k3s, shared.replace("deploy", "deploy-dev")])
  })

  it("cuts its own tables out of a file that two installs share", () => {
    const host = node("dev", both)
    ok(host.run("install-stage-cri", dev))
    assert.deepStrictEqual(parse(host.files()[shared]!), parse(dropIn(["kata-qemu", "/opt/kata"])))
    const other = node("dev", both)
    ok(other.run("cleanup-stage-revert-cri", dev))
    assert.deepStrictEqual(parse(other.files()[shared]!), parse(dropIn(["kata-qemu", "/opt/kata"])))
  })

  it("does not write over handlers of another install, and says what to do first", () => {
    for (const text of [both, dropIn(["kata-qemu-dev", "/opt/kata-dev"])]) {
      const host = node(undefined, text)
      const outcome = host.run("install-stage-cri", env)
      assert.deepStrictEqual("errors" in outcome ? outcome.errors : [], ["E_DROPIN_TAKEN"])
      assert.strictEqual(host.files()[shared], text)
    }
  })

  it("leaves alone what is another install's as a whole", () => {
    const text = dropIn(["kata-qemu-dev", "/opt/kata-dev"])
    const host = node(undefined, text)
    ok(host.run("cleanup", env))
    assert.strictEqual(host.files()[shared], text)
  })
})
