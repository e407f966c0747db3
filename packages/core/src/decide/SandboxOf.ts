/**
 * Answers: to which Kata sandbox does a process belong, by its command line? Shims are started with `-id ID`; the
 * virtual machine and its companions carry the sandbox in a name or in a path of the sandbox's own directory.
 */

/** What an id looks like to containerd: letters, digits, and `_.-` between them. */
const id = "([A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*)"

const wholeId = new RegExp(`^${id}$`)

/** QEMU's `-name sandbox-ID,debug-threads=on`. */
const named = new RegExp(`^sandbox-${id}(?:,|$)`)

/** Directories that Kata's runtimes make for each sandbox: of the Go shim, and of the one in Rust. */
const below = new RegExp(
  `/run/(?:vc/(?:vm|sbs|firecracker)|kata|kata-containers/shared/sandboxes)/${id}(?:/|,|$)`,
)

/** A shim's program name; `-v2` is the version of the shim protocol. */
const shim = /(?:^|\/)containerd-shim-kata[^/]*-v2$/

const idFlag = /^--?id(?:=(.*))?$/

/** The sandbox that a command line names; `undefined` where it names none. */
export const sandboxOf = (commandLine: ReadonlyArray<string>): string | undefined => {
  if (shim.test(commandLine[0] ?? "")) {
    const at = commandLine.findIndex((argument) => idFlag.test(argument))
    const value = at < 0 ? undefined : (idFlag.exec(commandLine[at]!)?.[1] ?? commandLine[at + 1])
    if (value !== undefined && wholeId.test(value)) return value
  }
  for (const [at, argument] of commandLine.entries()) {
    const found = below.exec(argument) ?? (commandLine[at - 1] === "-name" ? named.exec(argument) : null)
    if (found !== null) return found[1]
  }
  return undefined
}
