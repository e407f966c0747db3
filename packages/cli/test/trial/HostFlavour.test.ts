import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { choose, distributions, generations, generationsOf } from "../../src/trial/HostFlavour.ts"

const problemsOf = (distribution: string | undefined, containerd: string | undefined) => {
  const chosen = choose({ distribution, containerd })
  return Result.isFailure(chosen) ? chosen.failure.problems : []
}

describe("choosing a sample host", () => {
  it("is k3s with containerd 2.1 when nothing is asked for", () => {
    const chosen = Result.getOrThrow(choose({ distribution: undefined, containerd: undefined }))
    expect(chosen).toEqual({
      distribution: "k3s",
      generation: "2.1",
      reported: "containerd://2.1.5-k3s1",
      schema: 3,
    })
  })

  it.each(distributions)("offers %s with the default containerd", (distribution) => {
    expect(problemsOf(distribution, undefined)).toEqual([])
  })

  it("forgives capitals, blanks and a leading v", () => {
    expect(problemsOf(" RKE2 ", "v1.7")).toEqual([])
  })

  it("keeps schema 2 on MicroK8s with containerd 2.1, as the snap does", () => {
    expect(Result.getOrThrow(choose({ distribution: "microk8s", containerd: "2.1" })).schema).toBe(2)
  })

  it("names both wrong values at once, with what would be right", () => {
    const problems = problemsOf("openshift", "3.0")
    expect(problems.map((problem) => problem.code)).toEqual(["E_TRIAL_DISTRIBUTION", "E_TRIAL_CONTAINERD"])
    expect(problems[0]?.message).toContain("openshift")
    expect(problems[0]?.remedy).toBe("--distribution is k8s, k3s, rke2, k0s or microk8s.")
    expect(problems[1]?.remedy).toBe("--containerd is 1.6, 1.7, 2.0, 2.1 or 2.2.")
  })

  it.each([
    ["k3s", "1.6"],
    ["rke2", "1.6"],
    ["microk8s", "2.0"],
    ["microk8s", "2.2"],
  ])("says why there is no %s with containerd %s, and what there is instead", (distribution, containerd) => {
    const [problem] = problemsOf(distribution, containerd)
    expect(problem?.code).toBe("E_TRIAL_COMBINATION")
    expect(problem?.message.length).toBeGreaterThan(60)
    expect(problem?.remedy).toContain("2.1")
    expect(problem?.remedy).not.toContain(containerd)
  })

  it("offers every combination that it lists", () => {
    for (const distribution of distributions) {
      const offered = generations.filter((generation) => problemsOf(distribution, generation).length === 0)
      expect(offered).toEqual(generationsOf(distribution))
    }
  })
})
