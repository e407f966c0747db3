/**
 * How do servers of a newer Kubernetes get here, of which Debian has no complete source? Its Go module holds everything
 * but the parts that are published as modules of their own; with those in their place, any recent Go compiles it.
 */
import { cp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { must, run } from "../Command.ts"

/** On two busy cores it takes half an hour. */
const compileLimit = 60 * 60_000

/**
 * The module file with published parts where it points into its own tree: `k8s.io/api` and others bear the version of
 * their Kubernetes with a 0 in place of the 1.
 */
export const withPublishedParts = (text: string, version: string): string =>
  text
    .replace(/^replace \([^)]*\)$/m, "")
    .replaceAll(/^(\s+k8s\.io\/\S+) v0\.0\.0( |$)/gm, `$1 v${version.replace(/^1\./, "0.")}$2`)

/** Builds servers, such as `kube-apiserver`, into `folder`; `scratch` takes about 150 MB meanwhile. */
export const build = async (
  version: string,
  servers: ReadonlyArray<string>,
  folder: string,
  scratch: string,
): Promise<void> => {
  console.error(
    `e2e: building ${servers.join(", ")} ${version} from its Go module; this takes about ten minutes`,
  )
  const fetched = await run("go", ["mod", "download", "-json", `k8s.io/kubernetes@v${version}`], {
    env: environment(),
    timeout: 300_000,
  })
  if (fetched.code !== 0)
    throw new Error(`Kubernetes ${version} could not be fetched: ${fetched.stderr || fetched.stdout}`)
  const { Dir: source } = JSON.parse(fetched.stdout) as { Dir: string }
  const tree = join(scratch, "tree")
  await cp(source, tree, { recursive: true })
  // The cache of modules is read-only, and so is its copy.
  await must("chmod", ["-R", "u+w", tree])
  for (const name of ["go.work", "go.work.sum", "vendor"])
    await rm(join(tree, name), { recursive: true, force: true })
  const moduleFile = join(tree, "go.mod")
  await writeFile(moduleFile, withPublishedParts(await readFile(moduleFile, "utf8"), version))
  const [, minor] = version.split(".")
  const stamp = { gitVersion: `v${version}`, gitMajor: "1", gitMinor: minor }
  const flags = Object.entries(stamp).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  )
  const compile = ["go", "build", "-mod=mod", "-trimpath", "-ldflags", `-s -w ${flags.join(" ")}`]
  const commands = servers.map((server) => `./cmd/${server}`)
  await must("nice", ["-n", "10", ...compile, "-o", `${folder}/`, ...commands], {
    cwd: tree,
    timeout: compileLimit,
    env: environment(),
  })
}

const environment = (): Readonly<Record<string, string>> => ({
  ...(process.env as Record<string, string>),
  CGO_ENABLED: "0",
})
