/**
 * The Node at real API servers of two releases: RBAC on, the token of a service account, and a proxy in between that lets
 * things go wrong.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { NodeApiConformance } from "@kata-deploy/core/testing"
import { Effect, Fiber } from "effect"
import type { NodeApi } from "@kata-deploy/core"
import { Fact, NodeMarks } from "@kata-deploy/core"
import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { Rights } from "@kata-deploy/kubernetes"
import { type Binaries, obtain, older, releases, wayOf } from "./Binaries.ts"
import { Cluster } from "./Cluster.ts"
import { doubleWorld } from "./DoubleWorld.ts"
import { allRights, Workbench, world } from "./Workbench.ts"

type Api = NodeApi.NodeApi["Service"]

const why = (fact: Fact.Fact<unknown>): string =>
  fact._tag === "Unknown" ? fact.why : `known: ${JSON.stringify(fact.value)}`

const atRealServer = (binaries: Binaries) =>
  describe(`at a real kube-apiserver ${binaries.release.version}`, () => {
    let cluster: Cluster
    beforeAll(async () => {
      cluster = await Cluster.start(binaries)
    })
    afterAll(async () => {
      await cluster?.[Symbol.asyncDispose]()
    })

    /** A test with a node of its own. */
    const onNode = (
      name: string,
      body: (bench: Workbench) => Promise<void>,
      fixture: NodeApiConformance.Fixture = {},
    ): void =>
      test(name, async () => {
        await using bench = await Workbench.make(cluster, fixture)
        await body(bench)
      })

    describe("the adapter does what every NodeApi does", () => {
      // A Node of 1.20 has no runtime handlers.
      const named = NodeApiConformance.cases((fixture) => Effect.suspend(() => world(cluster)(fixture)))
      for (const { effect, name, needs } of named)
        if (needs === "nothing" || binaries.release !== older)
          test(name, () => Effect.runPromise(effect as Effect.Effect<void>))
    })

    describe("rights", () => {
      for (const duty of ["look", "install", "cleanup", "daemon-set"] as const)
        test(`the least ones of ${duty} are enough`, async () => {
          await using bench = await Workbench.make(cluster, { labels: {} }, Rights.leastRights(duty))
          const facts = await bench.ask((api) => Effect.all([api.node, api.readiness]))
          for (const fact of facts) expect(why(fact)).toMatch(/^known/)
          if (duty !== "install") {
            const sets = await bench.ask((api) =>
              Effect.all([api.ownDaemonSetWantsNode, api.othersWantingNode]),
            )
            for (const fact of sets) expect(why(fact)).toMatch(/^known/)
          }
          if (duty !== "look") await bench.ask((api) => api.updateLabels(() => ({ a: "1" })))
        })

      const questions: Readonly<Partial<Record<Rights.RightName, (api: Api) => Effect.Effect<string>>>> = {
        readNode: (api) => Effect.map(api.node, why),
        readOwnDaemonSet: (api) => Effect.map(api.ownDaemonSetWantsNode, why),
        listDaemonSets: (api) => Effect.map(api.othersWantingNode, why),
        readKubeletConfig: (api) => Effect.map(api.configz, why),
        patchNode: (api) =>
          Effect.flip(api.updateLabels(() => ({ a: "1" }))).pipe(
            Effect.map((error) => `${error.detail} (${error.remedy})`),
            Effect.orDie,
          ),
      }
      for (const [missing, question] of Object.entries(questions))
        test(`${missing} missing is told by verb, resource, group and user`, async () => {
          const rest = allRights.filter((name) => name !== missing)
          await using bench = await Workbench.make(cluster, { labels: {} }, rest)
          const { apiGroup, resource, verb } = Rights.rightOf(missing as Rights.RightName)
          const told = await bench.ask(question)
          expect(told).toContain(
            `${bench.account.user} may not ${verb} ${resource} (API group "${apiGroup}")`,
          )
          expect(told).toContain(`--as=${bench.account.user}`)
        })

      test("a lease that may not be read costs one request, events that may not be told another", async () => {
        await using bench = await Workbench.make(cluster, {}, Rights.leastRights("install"))
        const event: NodeApi.NodeEvent = { severity: "normal", reason: "A", message: "a" }
        const facts = await bench.ask((api) =>
          Effect.all([api.readiness, api.readiness, api.emit(event), api.emit(event)]),
        )
        expect(why(facts[1])).toMatch(/^known/)
        expect(bench.proxy.seen.filter((line) => line.includes("/leases/"))).toHaveLength(1)
        expect(bench.proxy.seen.filter((line) => line.endsWith("/events"))).toHaveLength(1)
        expect(await bench.events()).toEqual([])
      })

      onNode("a kubelet that cannot be reached leaves its configuration unknown", async (bench) => {
        expect(why(await bench.ask((api) => api.configz))).toMatch(/answers 500: /)
      })
    })

    describe("credentials", () => {
      onNode("an expired token is told as such, and a new one is used at once", async (bench) => {
        await bench.account.presentExpired()
        const told = await bench.ask((api) =>
          Effect.gen(function* () {
            const before = yield* api.node
            yield* Effect.promise(() => bench.account.presentGood())
            return [why(before), why(yield* api.node)] as const
          }),
        )
        expect(told[0]).toMatch(/does not accept our credentials .*expired.*Restart the pod/)
        expect(told[1]).toMatch(/^known/)
      })

      onNode("the CA of another cluster is told as such, and nothing is sent", async (bench) => {
        await cluster.pki.ca("other")
        await copyFile(cluster.pki.path("other.crt"), join(bench.account.folder, "ca.crt"))
        expect(why(await bench.ask((api) => api.node))).toMatch(/not signed by a CA that we know/)
        expect(bench.proxy.seen).toEqual([])
      })
    })

    describe("changes", () => {
      onNode(
        "by somebody else in between are kept, five times at most",
        async (bench) => {
          for (let n = 0; n < 4; n += 1)
            bench.proxy.next("PATCH", { first: () => bench.label({ theirs: String(n) }) })
          await bench.ask((api) => api.updateLabels(() => ({ ours: "1" })))
          expect((await bench.object()).metadata.labels).toEqual({ theirs: "3", ours: "1" })
          for (let n = 0; n < 5; n += 1)
            bench.proxy.next("PATCH", { first: () => bench.label({ theirs: `again-${n}` }) })
          const error = await bench.ask((api) => Effect.flip(api.updateLabels(() => ({ ours: "2" }))))
          expect(error.detail).toMatch(/changed by somebody else .* 5 times in a row/)
        },
        { labels: { theirs: "x" } },
      )

      onNode(
        "of a taint survive another writer's taint in between",
        async (bench) => {
          const added = { op: "add", path: "/spec/taints/-", value: { key: "new", effect: "NoExecute" } }
          bench.proxy.next("PATCH", {
            first: () =>
              cluster.must("PATCH", `/api/v1/nodes/${bench.node}`, [added], "application/json-patch+json"),
          })
          expect(await bench.ask((api) => api.removeTaints(["s"]))).toEqual(["s"])
          expect((await bench.object()).spec.taints).toEqual([{ key: "new", effect: "NoExecute" }])
        },
        { taints: [{ key: "s", effect: "NoSchedule" }] },
      )

      onNode("that the server calls invalid are told with the field, after one try", async (bench) => {
        const error = await bench.ask((api) => Effect.flip(api.updateLabels(() => ({ "-bad-": "1" }))))
        expect(error.detail).toMatch(/metadata\.labels/)
        expect(bench.proxy.seen.filter((line) => line.startsWith("PATCH"))).toHaveLength(1)
      })

      onNode("are refused on a node that was deleted and made again", async (bench) => {
        const error = await bench.ask((api) =>
          Effect.gen(function* () {
            yield* api.node
            yield* Effect.promise(async () => {
              await bench.unregister()
              await bench.register()
            })
            return yield* Effect.flip(api.updateLabels(() => ({ ours: "1" })))
          }),
        )
        expect(error.detail).toMatch(/deleted and made again/)
        expect((await bench.object()).metadata.labels).toBeUndefined()
      })

      onNode("that a restarted kubelet strips are seen to be gone, and made again", async (bench) => {
        const promote = (labels: Readonly<Record<string, string>>) => NodeMarks.promote(labels, "default")
        const seen = await bench.ask((api) =>
          Effect.gen(function* () {
            yield* api.updateLabels(promote)
            yield* Effect.promise(() => bench.label({ [NodeMarks.sharedLabel]: null }))
            const stripped = Fact.valueOf(yield* api.node)?.labels
            yield* api.updateLabels(promote)
            return stripped
          }),
        )
        expect(seen).toEqual({ [NodeMarks.markOf("default")]: "true" })
        expect((await bench.object()).metadata.labels).toEqual({
          [NodeMarks.sharedLabel]: "true",
          [NodeMarks.markOf("default")]: "true",
        })
      })
    })

    describe("faults in between", () => {
      const write = (api: Api) => api.updateLabels(() => ({ ours: "1" }))
      for (const [what, intervention] of [
        ["409", { answer: 409, body: { reason: "Conflict" } }],
        ["422 without causes", { answer: 422, body: { reason: "Invalid", details: {} } }],
        ["429 with Retry-After", { answer: 429, retryAfter: 1 }],
        ["500", { answer: 500 }],
        ["503", { answer: 503 }],
        ["a reset", "reset"],
        ["a reset after the write", "reset-after"],
        ["a hang", "hang"],
        ["an answer that crawls", "crawl"],
      ] as const)
        onNode(`${what} at a write is survived`, async (bench) => {
          bench.proxy.next("PATCH", intervention)
          await bench.ask(write, { requestSeconds: 1 })
          expect((await bench.object()).metadata.labels).toEqual({ ours: "1" })
        })

      onNode("requests that hang give their sockets back", async (bench) => {
        bench.proxy.next("GET", "hang", "hang", "hang")
        const left = await bench.ask(
          (api) =>
            Effect.andThen(
              api.node,
              Effect.promise(() => bench.proxy.connections()),
            ),
          { requestSeconds: 0.3 },
        )
        expect(left).toBeLessThanOrEqual(1)
      })
    })

    onNode("an API server that goes away and comes back is waited for", async (bench) => {
      const labels = await bench.ask((api) =>
        Effect.gen(function* () {
          yield* api.node
          yield* Effect.promise(() => cluster.stopApiServer())
          const writing = yield* Effect.forkChild(api.updateLabels(() => ({ ours: "after" })))
          yield* Effect.promise(() => cluster.startApiServer())
          yield* Fiber.join(writing)
          return Fact.valueOf(yield* api.node)?.labels
        }),
      )
      expect(labels).toEqual({ ours: "after" })
    })
  })

for (const release of releases) {
  const obtained = await obtain(wayOf(process.env["KATA_DEPLOY_E2E_KUBERNETES"]), release)
  if (!("notRun" in obtained)) {
    atRealServer(obtained)
    continue
  }
  const reason = obtained.notRun.split("\n")[0]
  console.error(
    `\ne2e: NOT RUN: everything on a real kube-apiserver ${release.version}; the double is asked instead: ${reason}\n`,
  )
  describe(`at the double, because no real API server ${release.version} ran (${reason})`, () => {
    for (const { effect, name } of NodeApiConformance.cases(doubleWorld))
      test(name, () => Effect.runPromise(effect as Effect.Effect<void>))
  })
}
