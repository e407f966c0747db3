/**
 * Answers: which sample host is asked for, and is there such a host in the world? A flavour is a Kubernetes
 * distribution together with a containerd generation.
 */
import { type Distribution, Problem } from "@kata-deploy/core"
import { Result } from "effect"

/** Kubernetes distributions that a sample host can be made of, in the order in which they are listed. */
export const distributions: ReadonlyArray<Distribution.Distribution> = [
  "k8s",
  "k3s",
  "rke2",
  "k0s",
  "microk8s",
]

/** containerd generations that a sample host can have: `major.minor`. */
export const generations = ["1.6", "1.7", "2.0", "2.1", "2.2"] as const

/** One containerd generation. */
export type Generation = (typeof generations)[number]

/** The distribution of a trial that names none. */
export const defaultDistribution: Distribution.Distribution = "k3s"

/** The containerd generation of a trial that names none; every distribution has it. */
export const defaultGeneration: Generation = "2.1"

/** A sample host that exists in the world. */
export interface HostFlavour {
  /** The Kubernetes distribution. */
  readonly distribution: Distribution.Distribution
  /** The containerd generation. */
  readonly generation: Generation
  /** What the Node object would report, e.g. `containerd://2.1.5-k3s1`. */
  readonly reported: string
  /** The schema that the main configuration declares. */
  readonly schema: 2 | 3
}

/** The release that stands for each generation, as the distribution's nodes report it. */
const releases: Readonly<Record<Distribution.Distribution, Partial<Record<Generation, string>>>> = {
  k8s: { "1.6": "1.6.20", "1.7": "1.7.24", "2.0": "2.0.5", "2.1": "2.1.5", "2.2": "2.2.1" },
  k3s: { "1.7": "1.7.23-k3s2", "2.0": "2.0.5-k3s2", "2.1": "2.1.5-k3s1", "2.2": "2.2.2-bd1.34" },
  rke2: { "1.7": "1.7.23-k3s2", "2.0": "2.0.5-k3s2", "2.1": "2.1.5-k3s1", "2.2": "2.2.2-bd1.34" },
  k0s: { "1.6": "1.6.21", "1.7": "1.7.27", "2.0": "2.0.5", "2.1": "2.1.5", "2.2": "2.2.1" },
  microk8s: { "1.6": "1.6.28", "1.7": "1.7.27", "2.1": "2.1.3" },
}

/** Why a combination that nobody has ever seen is not offered. */
const absence: Partial<Record<Distribution.Distribution, string>> = {
  k3s: "k3s of that time renders a configuration that imports no directory, so there is no place for a drop-in.",
  rke2: "RKE2 of that time renders a configuration that imports no directory, so there is no place for a drop-in.",
  microk8s: "MicroK8s went from containerd 1.7 straight to 2.1.",
}

/** The generations that a distribution ships, oldest first. */
export const generationsOf = (distribution: Distribution.Distribution): ReadonlyArray<Generation> =>
  generations.filter((generation) => releases[distribution][generation] !== undefined)

const schemaOf = (distribution: Distribution.Distribution, generation: Generation): 2 | 3 =>
  // MicroK8s kept its schema 2 template when it moved to containerd 2.1 (canonical/microk8s#5321).
  generation.startsWith("1.") || distribution === "microk8s" ? 2 : 3

const oneOf = (values: ReadonlyArray<string>): string =>
  values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`

/** What a trial was asked for, as the flags `--distribution` and `--containerd` give it. */
export interface Choice {
  /** Name of a distribution; `undefined`: the default. */
  readonly distribution: string | undefined
  /** Generation, `major.minor`; `undefined`: the default. */
  readonly containerd: string | undefined
}

/** The flavour that was asked for, or every reason why there is none. */
export const choose = (choice: Choice): Result.Result<HostFlavour, Problem.SettingsError> => {
  const problems: Array<Problem.Problem> = []
  const askedDistribution = choice.distribution?.trim().toLowerCase() ?? defaultDistribution
  const askedGeneration = choice.containerd?.trim().replace(/^v/i, "") ?? defaultGeneration
  const distribution = distributions.find((name) => name === askedDistribution)
  const generation = generations.find((name) => name === askedGeneration)
  if (distribution === undefined) {
    problems.push({
      code: "E_TRIAL_DISTRIBUTION",
      value: choice.distribution ?? "",
      message: `There is no sample host for the distribution "${choice.distribution}".`,
      remedy: `--distribution is ${oneOf(distributions)}.`,
    })
  }
  if (generation === undefined) {
    problems.push({
      code: "E_TRIAL_CONTAINERD",
      value: choice.containerd ?? "",
      message: `There is no sample host with containerd "${choice.containerd}".`,
      remedy: `--containerd is ${oneOf(generations)}.`,
    })
  }
  if (distribution === undefined || generation === undefined)
    return Result.fail(new Problem.SettingsError({ problems }))
  const release = releases[distribution][generation]
  if (release !== undefined) {
    return Result.succeed({
      distribution,
      generation,
      reported: `containerd://${release}`,
      schema: schemaOf(distribution, generation),
    })
  }
  problems.push({
    code: "E_TRIAL_COMBINATION",
    value: generation,
    message:
      `There is no ${distribution} with containerd ${generation} to try. ${absence[distribution] ?? ""}`.trim(),
    remedy: `With --distribution ${distribution}, --containerd is ${oneOf(generationsOf(distribution))}.`,
  })
  return Result.fail(new Problem.SettingsError({ problems }))
}
