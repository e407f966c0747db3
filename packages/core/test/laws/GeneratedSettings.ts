/** Generated operators: settings as they stand in the environment, and the files of `/custom-configs`. */
import * as fc from "fast-check"

/** What an operator asks for. */
export interface Asked {
  readonly variables: Readonly<Record<string, string>>
  /** Files of `/custom-configs` by name. */
  readonly customConfigs: ReadonlyMap<string, string>
  /** Text of the operator's own containerd drop-in. */
  readonly userDropIn: string | undefined
}

/** Shims with a base configuration in the generated archives; each stands for a kind of its own. */
export const shims = [
  "qemu",
  "clh",
  "fc",
  "dragonball",
  "qemu-runtime-rs",
  "clh-runtime-rs",
  "qemu-snp",
  "qemu-nvidia-gpu-runtime-rs",
  "remote",
] as const

const annotations = ["enable_iommu", "default_vcpus", "cpu_features", "kernel"]
const proxies = ["http://proxy.example:3128", "http://proxy.example:3128/?a=b"]

/** `shim=value;…` for some of the shims, or one value for all. */
const perShim = (enabled: ReadonlyArray<string>, values: ReadonlyArray<string>) =>
  fc.oneof(
    fc.constantFrom(...values),
    fc
      .tuple(fc.subarray([...enabled], { minLength: 1 }), fc.constantFrom(...values))
      .map(([names, value]) => names.map((name) => `${name}=${value}`).join(";")),
  )

/** `shim:value,…` for some of the shims. */
const mapping = (enabled: ReadonlyArray<string>, values: ReadonlyArray<string>) =>
  fc
    .tuple(fc.subarray([...enabled], { minLength: 1 }), fc.constantFrom(...values))
    .map(([names, value]) => names.map((name) => `${name}:${value}`).join(","))

const allowed = (enabled: ReadonlyArray<string>) =>
  fc
    .tuple(fc.subarray(annotations, { minLength: 1 }), fc.option(fc.constantFrom(...enabled)))
    .map(([names, shim]) => (shim === null ? names.join(" ") : `${shim}:${names.join(",")}`))

const unset = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

interface CustomRuntime {
  readonly handler: string
  readonly line: string
  readonly dropIn: string | undefined
}

const customRuntimes = (
  label: string,
  snapshotters: ReadonlyArray<string>,
): fc.Arbitrary<ReadonlyArray<CustomRuntime>> =>
  fc
    .uniqueArray(
      fc.record({
        // One of them has the name that a debug variant would have.
        handler: fc
          .constantFrom("mine", "kata-qemu-special", "kata-qemu-debug", "0")
          .map((n) => `${n}${label}`),
        line: fc.tuple(
          fc.constantFrom(...shims),
          fc.constantFrom("", "::guest-pull", ...snapshotters.map((name) => `:${name}:guest-pull`)),
        ),
        dropIn: unset(fc.constant('# by hand\n[hypervisor.qemu]\nkernel_params = "mine"\n')),
      }),
      { selector: (c) => c.handler, maxLength: 2 },
    )
    .map((all) => all.map((c) => ({ ...c, line: `${c.handler}:${c.line.join("")}` })))

/** Where the operator may put things; not every node can do everything. */
export interface Limits {
  /** The suffix to use: any or none, exactly this one, or none. */
  readonly suffix: "any" | "none" | { readonly exactly: string }
  /** Whether the CRI runtime takes a drop-in of the operator. */
  readonly takesUserDropIn: boolean
  /** Snapshotters that a handler may be mapped to; containerd 1.6 takes none. */
  readonly snapshotters: ReadonlyArray<string>
  /** Snapshotters that may be set up. */
  readonly setsUp: ReadonlyArray<string>
}

/** Settings of an operator within limits; all of them are valid. */
export const asked = (limits: Limits): fc.Arbitrary<Asked> =>
  fc.shuffledSubarray([...shims], { minLength: 1, maxLength: 4 }).chain((enabled) => {
    const { suffix } = limits
    const label = typeof suffix === "object" ? `-${suffix.exactly}` : ""
    return fc
      .record({
        debug: fc.boolean(),
        devkit: fc.boolean(),
        suffix:
          typeof suffix === "object"
            ? fc.constant(suffix.exactly)
            : suffix === "none"
              ? fc.constant(undefined)
              : unset(fc.constantFrom("b", "blue-2")),
        prefix: unset(fc.constantFrom("/data", "/var/lib/kata//")),
        annotations: unset(allowed(enabled)),
        httpsProxy: unset(perShim(enabled, proxies)),
        noProxy: unset(perShim(enabled, ["10.0.0.0/8,.svc", "localhost"])),
        snapshotters:
          limits.snapshotters.length > 0
            ? unset(mapping(enabled, limits.snapshotters))
            : fc.constant(undefined),
        pullTypes: unset(mapping(enabled, ["guest-pull", "default"])),
        guestPull: unset(fc.subarray(enabled, { minLength: 1 }).map((names) => names.join(","))),
        setUp: fc.subarray([...limits.setsUp]),
        custom: customRuntimes(label, limits.snapshotters),
        overrides: fc.subarray(enabled),
        userDropIn: limits.takesUserDropIn
          ? unset(fc.constant('# ours\n[debug]\n  level = "info"\n'))
          : fc.constant(undefined),
      })
      .map((chosen): Asked => {
        const variables: Readonly<Record<string, string | undefined>> = {
          SHIMS_X86_64: enabled.join(" "),
          DEBUG: chosen.debug ? "true" : undefined,
          DEVKIT: chosen.debug && chosen.devkit ? "true" : undefined,
          MULTI_INSTALL_SUFFIX: chosen.suffix,
          INSTALLATION_PREFIX: chosen.prefix,
          ALLOWED_HYPERVISOR_ANNOTATIONS_X86_64: chosen.annotations,
          AGENT_HTTPS_PROXY: chosen.httpsProxy,
          AGENT_NO_PROXY: chosen.noProxy,
          SNAPSHOTTER_HANDLER_MAPPING_X86_64: chosen.snapshotters,
          PULL_TYPE_MAPPING_X86_64: chosen.pullTypes,
          EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: chosen.guestPull,
          EXPERIMENTAL_SETUP_SNAPSHOTTER: chosen.setUp.length === 0 ? undefined : chosen.setUp.join(","),
          CUSTOM_RUNTIMES_ENABLED: chosen.custom.length > 0 ? "true" : undefined,
          CONTAINERD_USER_DROP_IN_SOURCE_FILE: chosen.userDropIn === undefined ? undefined : "/user.toml",
        }
        const list = ["# handler:base:snapshotter:pullType", ...chosen.custom.map((c) => c.line), ""]
        return {
          variables: Object.fromEntries(
            Object.entries(variables).filter((each): each is [string, string] => each[1] !== undefined),
          ),
          customConfigs: new Map([
            ...(chosen.custom.length > 0 ? ([["custom-runtimes.list", list.join("\n")]] as const) : []),
            ...chosen.custom.flatMap((c) =>
              c.dropIn === undefined ? [] : [[`dropin-${c.handler}.toml`, c.dropIn] as const],
            ),
            ...chosen.overrides.map((s) => [`dropin-${s}.toml`, `# for ${s}\n[agent.kata]\n`] as const),
          ]),
          userDropIn: chosen.userDropIn,
        }
      })
  })
