/**
 * How do real servers of Kubernetes get here with nothing but Debian's archive? Bookworm's source package `kubernetes`
 * holds the whole upstream tree of 1.20.2 with its vendored modules; bookworm's Go compiles it without the network.
 */
import { existsSync } from "node:fs"
import { copyFile, mkdir, readdir, rm, symlink } from "node:fs/promises"
import { join } from "node:path"
import { must, run } from "../Command.ts"
import { downloadSource, unpack } from "../containerd/Apt.ts"

const go = "usr/lib/go-1.19"

/** Compiling is the longest step; on two busy cores it takes a quarter of an hour. */
const compileLimit = 30 * 60_000

/** A Go of bookworm: the installed one, else unpacked from its packages. */
const goRoot = async (scratch: string): Promise<string> => {
  if (existsSync(join("/", go, "bin/go"))) return join("/", go)
  const root = join(scratch, "go")
  await unpack({
    suite: "bookworm",
    packages: ["golang-1.19-go", "golang-1.19-src"],
    scratch: join(scratch, "go-apt"),
    root,
  })
  return join(root, go)
}

/** The vendored reflect2 1.0.1 crashes when compiled with Go 1.18 or newer; Debian's own package has 1.0.2. */
const replaceReflect2 = async (tree: string, scratch: string): Promise<void> => {
  const root = join(scratch, "reflect2")
  await unpack({
    suite: "bookworm",
    packages: ["golang-github-modern-go-reflect2-dev"],
    scratch: join(scratch, "reflect2-apt"),
    root,
  })
  const from = join(root, "usr/share/gocode/src/github.com/modern-go/reflect2")
  const to = join(tree, "vendor/github.com/modern-go/reflect2")
  const isSource = (name: string): boolean => name.endsWith(".go") || name.endsWith(".s")
  for (const name of (await readdir(to)).filter(isSource)) await rm(join(to, name))
  for (const name of (await readdir(from)).filter(isSource)) await copyFile(join(from, name), join(to, name))
}

/** Builds servers, such as `kube-apiserver`, into `folder`; `scratch` takes about 3 GB meanwhile. */
export const build = async (
  servers: ReadonlyArray<string>,
  folder: string,
  scratch: string,
): Promise<void> => {
  for (const tool of ["make", "rsync", "tar", "dpkg"]) {
    const found = await run("sh", ["-c", `command -v ${tool}`])
    if (found.code !== 0) throw new Error(`${tool} is needed to build Kubernetes, and is not installed`)
  }
  console.error(
    `e2e: building ${servers.join(", ")} from Debian's source package; this takes about ten minutes`,
  )
  const downloads = await downloadSource({
    suite: "bookworm",
    source: "kubernetes",
    scratch: join(scratch, "source"),
  })
  const tarball = (await readdir(downloads)).find((name) => /^kubernetes_.*\.orig\.tar\./.test(name))
  if (tarball === undefined) throw new Error("Debian's source package kubernetes has no upstream tarball")
  const tree = join(scratch, "tree")
  await mkdir(tree)
  await must("tar", ["-xf", join(downloads, tarball), "-C", tree, "--strip-components=1"], {
    timeout: 300_000,
  })
  await replaceReflect2(tree, scratch)
  // The makefiles still want the tree where Go looked for packages before there were modules.
  const packages = join(tree, ".go/src/k8s.io")
  await mkdir(packages, { recursive: true })
  await symlink("../../..", join(packages, "kubernetes"))
  await must("make", [`WHAT=${servers.map((server) => `cmd/${server}`).join(" ")}`], {
    cwd: tree,
    timeout: compileLimit,
    env: {
      PATH: `${await goRoot(scratch)}/bin:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
      HOME: scratch,
      GOPATH: join(tree, ".go"),
      GOCACHE: join(scratch, "go-cache"),
      GOPROXY: "off",
      GOLDFLAGS: "-s -w",
      CGO_ENABLED: "0",
    },
  })
  for (const server of servers) await copyFile(join(tree, "_output/bin", server), join(folder, server))
}
