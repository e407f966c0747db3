/**
 * How do Debian packages of any suite get here without installing anything?
 *
 * A private apt: its own sources, lists and cache in a folder of ours, so neither the machine's package state nor root is
 * touched. The mirror is the one that apt on this machine uses already, whatever it is; only the suite's name is ours.
 */
import { existsSync } from "node:fs"
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { must, run } from "../Command.ts"

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

/**
 * The archive that this machine's apt takes Debian from.
 *
 * `KATA_DEPLOY_E2E_DEBIAN_MIRROR` names another one (for machines that are not Debian).
 */
export const mirror = async (): Promise<string> => {
  const named = process.env["KATA_DEPLOY_E2E_DEBIAN_MIRROR"]
  if (named) return named
  const targets = await run("apt-get", ["indextargets", "--format", "$(ORIGIN)|$(CODENAME)|$(REPO_URI)"])
  for (const line of targets.stdout.split("\n")) {
    const [origin, codename, uri] = line.split("|")
    if (origin === "Debian" && uri && !codename?.includes("security")) return uri
  }
  // Where `apt-get update` never ran there are no targets yet, but apt still knows where it would look.
  const planned = await run("apt-get", ["update", "--print-uris"])
  for (const [, uri, suite] of planned.stdout.matchAll(/^'(\S+?)dists\/([^/]+)\/InRelease'/gm)) {
    if (uri && !suite?.includes("security")) return uri
  }
  throw new Error(
    "apt on this machine takes nothing from a Debian archive; KATA_DEPLOY_E2E_DEBIAN_MIRROR can name one",
  )
}

/** Runs apt-get; of a failure only its own complaints are kept, the settings would drown them. */
const apt = async (
  settings: ReadonlyArray<string>,
  args: ReadonlyArray<string>,
  cwd: string,
): Promise<void> => {
  const outcome = await run("apt-get", [...settings, "-q", ...args], { cwd, timeout: 240_000 })
  if (outcome.code === 0) return
  const complaints = outcome.stderr.split("\n").filter((line) => /^[EW]: /.test(line))
  throw new Error(`apt-get ${args[0]}: ${complaints.slice(0, 3).join(" ") || outcome.stderr.trim()}`)
}

/** Fills `scratch` with an apt of our own for one suite, and returns its settings; `kind` is what its lists are about. */
const prepare = async (
  suite: string,
  scratch: string,
  kind: "deb" | "deb-src",
): Promise<ReadonlyArray<string>> => {
  const lists = join(scratch, "lists")
  const cache = join(scratch, "cache")
  for (const dir of [join(lists, "partial"), join(cache, "archives", "partial")]) {
    await mkdir(dir, { recursive: true })
  }
  const signed = existsSync(keyring) ? `signed-by=${keyring} ` : ""
  // `target=Packages`: no descriptions, icons or translations.
  const target = kind === "deb" ? "target=Packages" : "target=Sources"
  await writeFile(
    join(scratch, "sources.list"),
    `${kind} [${signed}${target}] ${await mirror()} ${suite} main\n`,
  )
  return [
    `Dir::Etc::sourcelist=${join(scratch, "sources.list")}`,
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::State::status=/dev/null",
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${cache}`,
    // An unstable suite on a mirror that stands still is past its date and still good for a test.
    "Acquire::Check-Valid-Until=false",
    "Acquire::Retries=2",
    // Else a mirror that does not answer is a warning, and the complaint is about a package that nobody has heard of.
    "APT::Update::Error-Mode=any",
    // As root apt would drop to a user that cannot write to our folder; as a user it stays who it is.
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting])
}

/** Packages of a suite that are unpacked below `root`; `scratch` is an empty folder for apt's own files. */
interface Unpacking {
  readonly suite: string
  readonly packages: ReadonlyArray<string>
  readonly scratch: string
  readonly root: string
}

/** Downloads packages and unpacks them. */
export const unpack = async ({ packages, root, scratch, suite }: Unpacking): Promise<void> => {
  const debs = join(scratch, "debs")
  for (const dir of [debs, root]) await mkdir(dir, { recursive: true })
  const settings = await prepare(suite, scratch, "deb")
  await apt(settings, ["update"], debs)
  await apt(settings, ["download", ...packages], debs)
  for (const name of await readdir(debs)) await must("dpkg", ["-x", join(debs, name), root])
}

/** As {@link unpack}, with everything that the packages depend on, down to the C library: they run on any Linux then. */
export const unpackWhole = async ({ packages, root, scratch, suite }: Unpacking): Promise<void> => {
  await mkdir(root, { recursive: true })
  const settings = await prepare(suite, scratch, "deb")
  await apt(settings, ["update"], scratch)
  const how = ["install", "--yes", "--download-only", "--no-install-recommends"]
  await apt(settings, [...how, ...packages], scratch)
  const archives = join(scratch, "cache", "archives")
  for (const name of await readdir(archives))
    if (name.endsWith(".deb")) await must("dpkg", ["-x", join(archives, name), root])
}

/** Downloads the files of a source package and returns the folder that they lie in; nothing is unpacked. */
export const downloadSource = async (options: {
  readonly suite: string
  readonly source: string
  readonly scratch: string
}): Promise<string> => {
  const { scratch, source, suite } = options
  const files = join(scratch, "files")
  await mkdir(files, { recursive: true })
  const settings = await prepare(suite, scratch, "deb-src")
  await apt(settings, ["update"], files)
  await apt(settings, ["source", "--download-only", source], files)
  return files
}
