import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type Distribution, Fact, type Facts, FileState, HostPath, Ledger } from "../../src/index.ts"
import * as CriPrediction from "../../src/plan/CriPrediction.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const path = HostPath.make
const main = "/etc/containerd/config.toml"
const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"
const user = "/opt/kata/containerd/config.d/zz-kata-deploy-user.toml"

const handler = (name: string, runtimePath?: string) =>
  `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}]\nruntime_type = "io.containerd.${name}.v2"\n${
    runtimePath === undefined ? "" : `runtime_path = "${runtimePath}"\n`
  }`
const ours = handler("kata-qemu", "/opt/kata/bin/containerd-shim-kata-v2")
const root = (...imports: ReadonlyArray<string>) =>
  `version = 3\nimports = ${JSON.stringify(imports)}\n${handler("runc")}`

interface Given {
  readonly before: Node.Tree
  readonly after: Node.Tree
  readonly runtime?: Distribution.CriRuntime
  readonly version?: string
  readonly facts?: Partial<Facts.Facts>
  readonly loaded?: ReadonlyArray<string>
}

const predict = ({ after, before, facts = {}, loaded, runtime, version }: Given) => {
  const of = Node.facts(before, facts)
  return CriPrediction.notices({
    settings: settings({ CONTAINER_RUNTIME_VERSION: version ?? "containerd://2.1.5" }),
    facts: of,
    detected: Node.detected(runtime ?? "containerd"),
    loaded: (loaded ?? [main, dropIn]).map(path),
    lookAfter: (at) => {
      const state = after[at]
      if (state === undefined) return of.files.get(at) ?? FileState.absent
      return typeof state === "string" ? FileState.file(state) : state
    },
  })
}
const refusal = (given: Given) =>
  Result.match(predict(given), {
    onSuccess: () => undefined,
    onFailure: ({ problems }) => problems.map((p) => `${p.code} ${p.message}`).join("\n"),
  })
const codes = (given: Given) => Result.getOrThrow(predict(given)).map((n) => n.code)

const works: Given = { before: { [main]: root() }, after: { [main]: root(dropIn), [dropIn]: ours } }

describe("CriPrediction", () => {
  it("has nothing against files that do what is meant", () => {
    assert.isUndefined(refusal(works))
    assert.deepStrictEqual(codes(works), [])
  })

  it("refuses files after which ours would not be served", () => {
    assert.include(refusal({ ...works, after: { [main]: root() } }), "would not serve kata-qemu")
  })

  it("does not predict what it cannot: another layout, an unknown version, files that nobody could look at", () => {
    const bad: Given = { ...works, after: { [main]: root() } }
    assert.isUndefined(refusal({ ...bad, runtime: "k0s-worker" }))
    assert.isUndefined(refusal({ ...bad, version: "containerd://new" }))
    const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "x" }
    assert.isUndefined(refusal({ ...bad, before: { [main]: root(), [dropIn]: unreadable } }))
    assert.isUndefined(refusal({ ...bad, after: { [main]: root(), [dropIn]: FileState.link("x") } }))
  })

  it("predicts for a rendered main config as well", () => {
    const k3s = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"
    const given = {
      before: { [k3s]: root() },
      after: { [k3s]: root() },
      runtime: "k3s",
      loaded: [k3s],
    } as const
    assert.include(refusal(given), "would not serve kata-qemu")
  })

  it("does not read a template before its variables are filled in", () => {
    const template = "/var/snap/microk8s/current/args/containerd-template.toml"
    const given = (text: string): Given => ({
      before: { [template]: text },
      after: {},
      runtime: "microk8s",
      loaded: [template],
    })
    assert.include(refusal(given(root())), "would not serve")
    assert.isUndefined(refusal(given(`${root()}\n# \${SNAP}\n`)))
  })

  it("reads files of others that the main config imports", () => {
    const other = "/etc/containerd/x.toml"
    const given: Given = {
      before: { [main]: root(other), [other]: handler("crun") },
      after: { [main]: root(dropIn), [dropIn]: ours },
      facts: { imported: [path(other)] },
    }
    assert.include(refusal(given), "would lose the handlers of others: crun")
  })

  describe("lets handlers change or go", () => {
    /** `x` is there before the run and not afterwards. */
    const gone = (before: Node.Tree, facts?: Partial<Facts.Facts>): string | undefined =>
      refusal({ before, after: works.after, ...(facts === undefined ? {} : { facts }) })
    const inMain = (text: string) => ({ [main]: root() + text })

    it("that our ledger has, or that start a program of ours, and no others", () => {
      const ledger = { ...Ledger.empty("default", "1", "containerd"), handlers: ["x"] }
      assert.include(gone(inMain(handler("x"))), "would lose the handlers of others: x")
      assert.isUndefined(gone(inMain(handler("x")), { ledger: Node.recorded(ledger) }))
      assert.include(gone(inMain(handler("y")), { ledger: Node.recorded(ledger) }), "others: y")
      assert.isUndefined(gone(inMain(handler("x", "/opt/kata/bin/shim"))))
      assert.include(gone(inMain(handler("x", "/opt/kata-dev/bin/shim"))), "others: x")
    })

    it("that are in the drop-in which ours takes the place of, unless that is another install's", () => {
      const there = (text: string) => gone({ [main]: root(dropIn), [dropIn]: text })
      assert.isUndefined(there(handler("x")))
      assert.isUndefined(there(ours + handler("x")))
      assert.include(there(handler("x", "/usr/bin/x")), "others: x")
    })

    it("that have the name of one of ours", () => {
      assert.isUndefined(gone(inMain(handler("kata-qemu", "/usr/bin/other"))))
    })
  })

  describe("knows the operator's drop-in by its text", () => {
    const changes = handler("runc", "/usr/bin/crun")
    const given = (facts: Partial<Facts.Facts>): Given => ({
      before: { [main]: root() },
      after: { [main]: root(dropIn, user), [dropIn]: ours, [user]: changes },
      loaded: [main, dropIn, user],
      facts,
    })

    it("and lets that change the handlers of others, which is told", () => {
      assert.include(codes(given({ userDropIn: FileState.file(changes) })), "user-drop-in-changes-handlers")
    })

    it("and nothing else", () => {
      assert.include(refusal(given({})), "would change the handlers of others: runc")
      assert.include(refusal(given({ userDropIn: FileState.file("other") })), "would change")
      assert.include(refusal(given({ userDropIn: FileState.absent })), "would change")
    })
  })

  it("goes by the Node's version where the settings name none", () => {
    const bare = settings()
    const node = Fact.known({
      containerRuntimeVersion: "containerd://2.1.5",
      labels: {},
      runtimeHandlers: undefined,
    })
    const of = (facts: Partial<Facts.Facts>) =>
      CriPrediction.notices({
        settings: bare,
        facts: Node.facts({ [main]: root() }, facts),
        detected: Node.detected("containerd"),
        loaded: [path(main)],
        lookAfter: () => FileState.file(root()),
      })
    assert.isTrue(Result.isFailure(of({ node })))
    assert.isTrue(Result.isSuccess(of({})))
  })
})
