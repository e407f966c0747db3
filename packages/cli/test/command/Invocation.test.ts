import { assert, describe, it } from "vitest"
import * as Arguments from "../../src/command/Arguments.ts"
import * as Invocation from "../../src/command/Invocation.ts"
import * as Recorder from "../sample/Recorder.ts"

const offline = ["--kube=none", "--systemd=none"]
const decode = (...argv: ReadonlyArray<string>) =>
  Invocation.decode(Arguments.parse(argv), Recorder.make().surroundings)
const problems = (...argv: ReadonlyArray<string>) =>
  decode(...argv).problems.map(({ message, remedy }) => `${message} ${remedy}`)
const job = (...argv: ReadonlyArray<string>) => {
  const { invocation, problems } = decode(...argv, ...offline)
  assert.deepStrictEqual(problems, [])
  assert(invocation?._tag === "OnNode")
  return invocation.job
}

describe("the action", () => {
  it("is found by its exact name", () => {
    assert.deepStrictEqual(job("install", "--once"), { _tag: "Run", action: "install", conduct: {} })
    assert.deepStrictEqual(job("cleanup-stage-revert-cri"), {
      _tag: "Run",
      action: "cleanup-stage-revert-cri",
      conduct: {},
    })
    assert.match(
      problems("Install")[0] ?? "",
      /^"Install" is no action of this program\. Did you mean install\?/,
    )
  })

  it("of a plan is install unless another one is named", () => {
    assert.deepStrictEqual(job("plan"), { _tag: "Plan", action: "install", whenChanges: 0, conduct: {} })
    assert.deepStrictEqual(job("plan", "cleanup", "--detailed-exitcode"), {
      _tag: "Plan",
      action: "cleanup",
      whenChanges: 10,
      conduct: {},
    })
    assert.match(problems("plan", "clenup", ...offline)[0] ?? "", /Did you mean cleanup\?/)
  })

  it("of a cleanup purges what nydus stored where a flag or its variable says so", () => {
    const conduct = { nydusData: "purge" } as const
    const purge = "--nydus-data=purge"
    assert.deepStrictEqual(job("cleanup", purge), { _tag: "Run", action: "cleanup", conduct })
    assert.deepInclude(job("cleanup-stage-revert-cri", purge), { conduct })
    assert.deepInclude(job("plan", "cleanup", purge), { conduct })
    const env = { KATA_DEPLOY_NYDUS_DATA: "Purge" }
    const { invocation } = Invocation.decode(
      Arguments.parse(["cleanup", ...offline]),
      Recorder.make({ env }).surroundings,
    )
    assert.deepNestedInclude(invocation, { "job.conduct": conduct })
    assert.match(
      problems("cleanup", "--nydus-data=wipe")[0] ?? "",
      /--nydus-data is "wipe".*keep or purge|keep, purge/,
    )
    assert.match(problems("reset", purge, ...offline)[0] ?? "", /--nydus-data/)
  })

  it("is told to those who know it by another name", () => {
    for (const [word, ours] of [
      ["uninstall", "cleanup"],
      ["remove", "cleanup"],
      ["undo", "rollback"],
      ["help", "--help"],
    ])
      assert.include(problems(word!)[0], `"${word}" is no action of this program. Did you mean ${ours}?`)
  })

  it("has to be there", () => {
    assert.match(problems()[0] ?? "", /^No action is named/)
    assert.match(problems("")[0] ?? "", /is no action/)
  })

  it("is not missed where the word behind an unknown flag may be it", () => {
    const [first, ...rest] = problems("--verbose", "plan")
    assert.match(first ?? "", /^--verbose is no flag/)
    assert.deepStrictEqual(rest, [])
  })

  it("of a later release is refused with what to use instead", () => {
    assert.deepStrictEqual(problems("doctor"), [
      "doctor is not in this release. Use status --verify for drift, and plan for what would be wrong before an install.",
    ])
  })

  it("that stays with the pod is supervised, and so is one that cleans up when it is stopped", () => {
    const errand = (...argv: ReadonlyArray<string>) => {
      const { invocation, problems } = decode(...argv, ...offline)
      assert.deepStrictEqual(problems, [])
      return invocation?._tag === "Supervise" ? invocation.errand : invocation?._tag
    }
    assert.strictEqual(errand("install"), "install-and-stay")
    assert.strictEqual(errand("install", "--once=no"), "install-and-stay")
    assert.strictEqual(errand("install", "--once", "--when-stopped=cleanup"), "install-and-leave")
    assert.strictEqual(errand("install", "--once", "--when-stopped=leave"), "OnNode")
    assert.strictEqual(errand("--debug", "internal-post-install-wait"), "wait")
  })

  it("that existed once is not taken for a typing error", () => {
    assert.match(problems("install-stage-label")[0] ?? "", /no action of this program any more/)
    assert.match(problems("cleanup-stage-unlabel")[0] ?? "", /no action of this program any more/)
  })

  it("is not confused by names that objects inherit", () => {
    assert.match(problems("constructor")[0] ?? "", /^"constructor" is no action of this program\./)
  })
})

describe("words behind the action", () => {
  it("are refused where none is taken", () => {
    assert.match(problems("cleanup", "now", ...offline)[0] ?? "", /^"now" stands behind cleanup/)
  })

  it("that look like the value of a boolean flag come with the right form", () => {
    for (const words of [
      ["cleanup", "--debug", "false"],
      ["plan", "--debug", "off"],
    ])
      assert.match(problems(...words, ...offline)[0] ?? "", /with =, e\.g\. --debug=(?:false|off)\./)
  })

  it("are needed by schema and completions", () => {
    assert.match(
      problems("schema")[0] ?? "",
      /settings, plan, report, status, snapshots, mode-change, .*problems/,
    )
    assert.match(problems("schema", "plans")[0] ?? "", /Did you mean plan\?/)
    assert.match(problems("completions", "tcsh")[0] ?? "", /bash, zsh, fish/)
  })
})

describe("flags", () => {
  it("are refused with an action on which they have no effect", () => {
    assert.match(
      problems("cleanup", "--once", ...offline)[0] ?? "",
      /no effect with cleanup\. .*belongs to install/,
    )
    assert.match(problems("schema", "plan", "--kube=none")[0] ?? "", /--kube has no effect with schema/)
    assert.match(problems("try", "--debug")[0] ?? "", /--debug has no effect with try/)
  })

  it("of a plan are those of what is planned", () => {
    assert.deepStrictEqual(problems("plan", "cleanup", "--nydus-data=purge", ...offline), [])
    assert.deepStrictEqual(problems("plan", "cleanup", "--detailed-exitcode", ...offline), [])
    for (const words of [["plan"], ["plan", "install"], ["plan", "reset"]])
      assert.match(
        problems(...words, "--nydus-data=purge", ...offline)[0] ?? "",
        /no effect with plan (?:install|reset)\. .*belongs to cleanup, cleanup-stage-revert-cri\./,
      )
    assert.lengthOf(problems("plan", "install", "--once", ...offline), 1)
  })

  it("that speak of the end of an install are refused with one that stays", () => {
    for (const what of ["leave", "cleanup"])
      assert.match(problems("install", `--when-stopped=${what}`, ...offline)[0] ?? "", /without --once/)
    assert.deepStrictEqual(problems("install", "--once", "--when-stopped=leave", ...offline), [])
  })

  it("ask for no document where there is none", () => {
    assert.match(problems("try", "--output=json")[0] ?? "", /^try is a show for people/)
    assert.deepStrictEqual(problems("try", "--output=text"), [])
  })

  it("of a trial are passed on", () => {
    assert.deepStrictEqual(decode("try", "--distribution=rke2", "--keep", "--shims=qemu").invocation, {
      _tag: "Try",
      distribution: "rke2",
      containerd: undefined,
      shims: "qemu",
      afterwards: "keep",
    })
  })

  it("for help and version win over everything that is wrong", () => {
    assert.strictEqual(decode("plan", "--help", "--shimz").invocation?._tag, "Help")
    assert.strictEqual(decode("--help").invocation?._tag, "Help")
    assert.strictEqual(decode("internal-post-install-wait", "--help").invocation?._tag, "Help")
    assert.strictEqual(decode("plan", "--version").invocation?._tag, "Version")
    assert.match(problems("instal", "--help")[0] ?? "", /Did you mean install\?/)
  })

  it("are all reported together, wherever the mistakes are", () => {
    const all = problems("plan", "--shimz=x", "--output=yaml", "--once", "extra", "--kube=none")
    assert.strictEqual(all.length, 4)
  })
})
