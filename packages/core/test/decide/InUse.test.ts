import { assert, describe, it } from "@effect/vitest"
import { Fact, HostPath, type HostSight, InUse } from "../../src/index.ts"

const tree = HostPath.make("/opt/kata")
const handlers = ["kata-qemu", "kata-clh"]
const hidden = Fact.unknown("out-of-sight", "this pod does not see the host's processes")
const noSocket = Fact.unknown("out-of-sight", "the socket is not mounted here")
const refused = Fact.unknown("failed", "the socket refused")
const none = Fact.known([])

const qemu: HostSight.TreeUser = { pid: 12, program: "/opt/kata/bin/qemu", sandbox: "s1", through: "program" }
const stray: HostSight.TreeUser = { pid: 9, program: "/opt/kata/bin/kata-monitor", sandbox: undefined }
const shell: HostSight.TreeUser = { pid: 7, program: "/bin/sh", sandbox: undefined, through: "directory" }
const sandbox: HostSight.RunningSandbox = { id: "s1", pod: "default/web", handler: "kata-qemu" }
const foreign: HostSight.RunningSandbox = { id: "s9", pod: "default/plain", handler: "runc" }

type Users = InUse.UseFacts["users"]
type Sandboxes = InUse.UseFacts["sandboxes"]

const judge = (users: Users, sandboxes: Sandboxes): InUse.UseVerdict =>
  InUse.verdict({ users, sandboxes, handlers })

describe("InUse", () => {
  const table: ReadonlyArray<readonly [string, Users, Sandboxes, InUse.UseVerdict]> = [
    ["nothing runs", none, none, { _tag: "Free" }],
    ["only sandboxes of other handlers run", none, Fact.known([foreign]), { _tag: "Free" }],
    ["no process uses it, though the runtime does not answer", none, refused, { _tag: "Free" }],
    ["no process uses it, and there is no socket", none, noSocket, { _tag: "Free" }],
    ["the runtime knows of none, and processes are out of sight", hidden, none, { _tag: "Free" }],
    ["a shell stands in it", Fact.known([shell]), none, { _tag: "Free" }],
    [
      "processes could not be looked at, whatever the runtime says",
      Fact.unknown("failed", "/proc could not be read"),
      none,
      { _tag: "CouldNotSee", how: "failed", why: "/proc could not be read" },
    ],
    [
      "processes are out of sight and the runtime does not answer",
      hidden,
      refused,
      { _tag: "CouldNotSee", how: "failed", why: "the socket refused" },
    ],
    [
      "both are out of sight",
      hidden,
      noSocket,
      {
        _tag: "CouldNotSee",
        how: "out-of-sight",
        why: "this pod does not see the host's processes; the socket is not mounted here",
      },
    ],
    [
      "nobody asked the runtime",
      hidden,
      Fact.unknown("not-asked", "nobody asked"),
      {
        _tag: "CouldNotSee",
        how: "out-of-sight",
        why: "this pod does not see the host's processes; nobody asked",
      },
    ],
  ]
  for (const [name, users, sandboxes, expected] of table)
    it(`is ${expected._tag} when ${name}`, () => assert.deepStrictEqual(judge(users, sandboxes), expected))

  it("joins what processes and the runtime say of a sandbox", () => {
    const virtiofsd = { ...qemu, pid: 13, program: "/opt/kata/libexec/virtiofsd" }
    assert.deepStrictEqual(judge(Fact.known([qemu, stray, virtiofsd]), Fact.known([foreign, sandbox])), {
      _tag: "InUse",
      sandboxes: [{ id: "s1", pod: "default/web", handler: "kata-qemu", pids: [12, 13] }],
      processes: [stray],
    })
  })

  it("is in use by what one of the two sees, though the other sees nothing", () => {
    const byRuntime = judge(refused, Fact.known([sandbox]))
    assert(byRuntime._tag === "InUse")
    assert.deepStrictEqual(InUse.namesOf(byRuntime), ["sandbox s1 of pod default/web (kata-qemu)"])
    const byProcess = judge(Fact.known([qemu]), refused)
    assert(byProcess._tag === "InUse")
    assert.deepStrictEqual(InUse.namesOf(byProcess), ["sandbox s1"])
    assert.strictEqual(judge(none, Fact.known([sandbox]))._tag, "InUse")
  })

  const named: ReadonlyArray<
    readonly [HostSight.TreeUser["through"], of: "sandbox" | "nobody", ReadonlyArray<string>]
  > = [
    [undefined, "nobody", ["process 3 (/usr/bin/x)"]],
    ["program", "nobody", ["process 3 (/usr/bin/x)"]],
    ["mapped", "nobody", ["process 3 (/usr/bin/x), which has a file of it mapped"]],
    ["open", "nobody", ["process 3 (/usr/bin/x), which has a file of it open"]],
    ["arguments", "nobody", ["process 3 (/usr/bin/x), which names it in its command line"]],
    ["directory", "nobody", []],
    ["program", "sandbox", ["sandbox s1"]],
    ["mapped", "sandbox", ["sandbox s1"]],
    ["open", "sandbox", ["sandbox s1"]],
    ["arguments", "sandbox", ["sandbox s1"]],
    ["directory", "sandbox", ["sandbox s1"]],
  ]
  for (const [through, of, expected] of named)
    it(`${expected.length === 0 ? "does not count" : "names"} a process of ${of === "nobody" ? "no" : "a"} sandbox by ${through ?? "unknown means"}`, () => {
      const user: HostSight.TreeUser = {
        pid: 3,
        program: "/usr/bin/x",
        sandbox: of === "sandbox" ? "s1" : undefined,
        ...(through === undefined ? {} : { through }),
      }
      const seen = judge(Fact.known([user]), none)
      assert.deepStrictEqual(seen._tag === "InUse" ? InUse.namesOf(seen) : [], expected)
    })

  it("counts a process that merely stands in the tree where it belongs to a sandbox", () => {
    assert.strictEqual(judge(Fact.known([{ ...qemu, through: "directory" }]), none)._tag, "InUse")
  })

  it("lists sandboxes by pod and then by id", () => {
    const seen = judge(
      none,
      Fact.known([
        { ...sandbox, id: "b" },
        { ...sandbox, id: "c", pod: "a/a" },
        { ...sandbox, id: "a" },
      ]),
    )
    assert(seen._tag === "InUse")
    assert.deepStrictEqual(
      seen.sandboxes.map(({ id }) => id),
      ["c", "a", "b"],
    )
  })
})

describe("the guard of a removal", () => {
  const guard = (users: Users, sandboxes: Sandboxes, when: InUse.WhenInUse): InUse.Guard =>
    InUse.guard(tree, judge(users, sandboxes), when)

  it("lets a free tree go without a word", () => {
    for (const when of ["refuse", "force"] as const)
      assert.deepStrictEqual(guard(none, none, when), { _tag: "GoOn", notice: undefined })
  })

  it("refuses while sandboxes run, names them, and says what to do", () => {
    const answer = guard(Fact.known([qemu, stray]), Fact.known([sandbox]), "refuse")
    assert(answer._tag === "Refuse")
    assert.strictEqual(answer.problem.code, "E_IN_USE")
    assert.include(answer.problem.message, "/opt/kata is in use by sandbox s1 of pod default/web (kata-qemu)")
    assert.include(answer.problem.message, "process 9 (/opt/kata/bin/kata-monitor)")
    assert.include(answer.problem.remedy, "--when-in-use force")
  })

  it("goes on by force, and says whom it hits", () => {
    const answer = guard(Fact.known([qemu]), none, "force")
    assert(answer._tag === "GoOn")
    assert.strictEqual(answer.notice?.code, "removed-while-in-use")
    assert.include(answer.notice!.message, "sandbox s1")
  })

  it("goes on where use is out of sight by construction, and says that it was not checked", () => {
    const answer = guard(hidden, noSocket, "refuse")
    assert(answer._tag === "GoOn")
    assert.strictEqual(answer.notice?.code, "use-not-checked")
    assert.include(answer.notice!.message, "this pod does not see the host's processes")
  })

  it("removes nothing after a look that failed, unless it is forced to", () => {
    const answer = guard(hidden, refused, "refuse")
    assert(answer._tag === "CannotTell")
    assert.strictEqual(answer.problem.code, "E_USE_UNKNOWN")
    assert.include(answer.problem.message, "the socket refused")
    const forced = guard(hidden, refused, "force")
    assert(forced._tag === "GoOn")
    assert.strictEqual(forced.notice?.code, "use-not-checked")
  })
})
