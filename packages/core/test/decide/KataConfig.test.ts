import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { FileState, KataConfig, type Settings } from "../../src/index.ts"
import { meaning, same, settings, type Tree } from "../Sample.ts"
import * as Vectors from "../Vectors.ts"

interface VectorFile {
  readonly baseConfigs: Readonly<Record<string, string>>
  readonly cases: ReadonlyArray<{
    readonly name: string
    readonly input: {
      readonly runtime: string
      readonly env: Readonly<Record<string, string>>
      readonly files: Readonly<Record<string, string>>
    }
    readonly expected: {
      readonly steps: ReadonlyArray<{
        readonly files?: Readonly<
          Record<
            string,
            {
              readonly symlink?: string
              readonly toml?: unknown
              readonly hasManagedBanner?: number
              readonly copyOfBaseWithChanges?: Readonly<Record<string, unknown>>
            }
          >
        >
      }>
    }
    readonly upstreamQuirk?: boolean
  }>
}

const vectors = Vectors.whole<VectorFile>("06-shim-config")

const bases = (texts: Readonly<Record<string, string>> = vectors.baseConfigs): KataConfig.BaseConfigs =>
  new Map(Object.entries(texts).map(([key, text]) => [key, Result.getOrThrow(KataConfig.parseBase(text))]))

type States = Readonly<Record<string, FileState.FileState>>

const desired = (given: Settings.Settings, rest: Partial<KataConfig.KataInput> = {}): States =>
  Object.fromEntries(
    KataConfig.desired({
      settings: given,
      bases: bases(),
      kubeletRoot: "default",
      devkitVerity: undefined,
      ...rest,
    }).map((d) => [d.path.replace(`${given.instance.installDir}/`, ""), d.state]),
  )

const textAt = (states: States, path: string): string => {
  const text = states[path] === undefined ? undefined : FileState.textOf(states[path])
  assert.isDefined(text, `${path} of ${Object.keys(states).join(" ")}`)
  return text!
}

const at = (tree: Tree, path: string): unknown =>
  path.split(".").reduce<Tree | undefined>((t, key) => t?.[key], tree)

const defaults = "share/defaults/kata-containers"
const qemuCopy = `${defaults}/runtimes/qemu/configuration-qemu.toml`
const qemuDropIn = (name: string) => `${defaults}/runtimes/qemu/config.d/${name}`

describe("KataConfig", () => {
  /** The second steps of these cases are about reconciling, the first are here. */
  for (const { expected, input, name, upstreamQuirk } of vectors.cases) {
    if (upstreamQuirk === true || name === "proxy removed later removes the drop-in") continue
    it(`agrees with upstream about: ${name}`, () => {
      const custom = Object.entries(input.files).flatMap(([path, text]) =>
        path.startsWith("/custom-configs/") ? [[path.slice("/custom-configs/".length), text] as const] : [],
      )
      const verity = input.files["/opt/kata/share/kata-containers/root_hash_devkit-extension.txt"]
      const states = desired(settings(input.env, Object.fromEntries(custom)), {
        kubeletRoot: input.runtime.startsWith("k0s") ? "k0s" : "default",
        devkitVerity: verity
          ?.split("\n")
          .map((line) => line.trim())
          .find((line) => line !== ""),
      })
      const files = expected.steps[0]!.files ?? {}
      assert.sameMembers(
        Object.keys(states).filter((path) => states[path]!._tag !== "Directory"),
        Object.keys(files),
      )
      for (const [path, file] of Object.entries(files)) {
        const state = states[path]!
        if (file.symlink !== undefined) {
          same(state, FileState.link(file.symlink))
        } else if (file.toml !== undefined) {
          same(meaning(textAt(states, path)), file.toml)
        } else {
          const text = textAt(states, path)
          const key = `${path.includes("runtime-rs/runtimes") || path.endsWith("-rs.toml") ? "runtime-rs/" : ""}${path.split("/").at(-1)}`
          const changed = file.copyOfBaseWithChanges ?? {}
          assert.strictEqual(text.split(KataConfig.bannerMark).length - 1, file.hasManagedBanner)
          for (const [where, value] of Object.entries(changed)) same(at(meaning(text), where), value)
          if (Object.keys(changed).length === 0) {
            assert.isTrue(text.endsWith(vectors.baseConfigs[key]!), key)
          }
        }
      }
    })
  }

  it("names the base configuration of a Rust shim by its directory", () => {
    assert.strictEqual(
      KataConfig.baseKey("clh", { runtime: "go", hypervisor: "clh", qemuArtifact: null }),
      "configuration-clh.toml",
    )
    assert.strictEqual(
      KataConfig.baseKey("dragonball", { runtime: "rust", hypervisor: "dragonball", qemuArtifact: null }),
      "runtime-rs/configuration-dragonball.toml",
    )
  })

  it("says nothing about a shim whose base configuration nobody has", () => {
    same(desired(settings({ DEBUG: "true" }), { bases: new Map() }), {})
  })

  it("stamps a copy once, even when the base bears the stamp already", () => {
    const stamped = `# ${KataConfig.bannerMark}, by somebody else\n[hypervisor.qemu]\n`
    assert.strictEqual(
      textAt(desired(settings(), { bases: bases({ "configuration-qemu.toml": stamped }) }), qemuCopy),
      stamped,
    )
  })

  it("leaves a base without annotations or guest pull in the settings as it is, comments and all", () => {
    const base = "# note\n[hypervisor.qemu] # here\n  enable_annotations = [ 'b', 'a' ]\n"
    const text = textAt(desired(settings(), { bases: bases({ "configuration-qemu.toml": base }) }), qemuCopy)
    assert.isTrue(text.endsWith(base))
    assert.include(text, "/opt/kata/share/defaults/kata-containers/runtimes/qemu/config.d")
  })

  describe("annotations", () => {
    const allow = (value: string, rest: Readonly<Record<string, string>> = {}) =>
      settings({ SHIMS_X86_64: "qemu clh", ALLOWED_HYPERVISOR_ANNOTATIONS_X86_64: value, ...rest })
    const allowed = (states: States, path: string, hypervisor: string) =>
      at(meaning(textAt(states, path)), `hypervisor.${hypervisor}.enable_annotations`)
    const base = ["enable_iommu", "kernel_params", "kernel_verity_params"]

    it("are the base's and the settings' together, sorted and each once", () => {
      const states = desired(allow("zeta alpha qemu:kernel_params,beta"))
      same(allowed(states, qemuCopy, "qemu"), ["alpha", "beta", ...base, "zeta"])
      same(allowed(states, `${defaults}/runtimes/clh/configuration-clh.toml`, "clh"), [
        "alpha",
        ...base,
        "zeta",
      ])
    })

    it("of another shim change nothing", () => {
      const states = desired(allow("clh:beta"))
      assert.isTrue(textAt(states, qemuCopy).endsWith(vectors.baseConfigs["configuration-qemu.toml"]!))
    })

    it("are added where the base has none", () => {
      const states = desired(allow("qemu:beta"), {
        bases: bases({
          "configuration-qemu.toml": "[hypervisor.qemu]\npath = 'q'\n",
          "configuration-clh.toml": "",
        }),
      })
      same(allowed(states, qemuCopy, "qemu"), ["beta"])
    })

    it("carry over to a runtime whose base is an enabled shim, and to no other", () => {
      const given = settings(
        {
          CUSTOM_RUNTIMES_ENABLED: "true",
          ALLOWED_HYPERVISOR_ANNOTATIONS_X86_64: "alpha",
          EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu",
        },
        { "custom-runtimes.list": "kata-a:qemu\nkata-b:clh\n" },
      )
      const states = desired(given)
      const a = `${defaults}/custom-runtimes/kata-a/configuration-qemu.toml`
      const b = `${defaults}/custom-runtimes/kata-b/configuration-clh.toml`
      same(allowed(states, a, "qemu"), ["alpha", ...base])
      same(at(meaning(textAt(states, a)), "runtime.experimental_force_guest_pull"), true)
      same(allowed(states, b, "clh"), base)
      same(at(meaning(textAt(states, b)), "runtime.experimental_force_guest_pull"), undefined)
    })
  })

  it("forces guest pull in the copy of the shims that are named", () => {
    const given = settings({ SHIMS_X86_64: "qemu clh", EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "clh" })
    const states = desired(given)
    same(at(meaning(textAt(states, qemuCopy)), "runtime.experimental_force_guest_pull"), undefined)
    same(
      at(
        meaning(textAt(states, `${defaults}/runtimes/clh/configuration-clh.toml`)),
        "runtime.experimental_force_guest_pull",
      ),
      true,
    )
  })

  it("passes proxies to the guest kernel, those of the base for custom runtimes, behind the base's own parameters", () => {
    const given = settings(
      {
        SHIMS_X86_64: "qemu clh",
        AGENT_HTTPS_PROXY: 'qemu=http://p:1;fc=http://f/"q"',
        AGENT_NO_PROXY: "10.0.0.0/8",
        CUSTOM_RUNTIMES_ENABLED: "true",
      },
      { "custom-runtimes.list": "kata-a:fc\n" },
    )
    const params = (path: string, hypervisor: string) =>
      at(meaning(textAt(desired(given), path)), `hypervisor.${hypervisor}.kernel_params`)
    same(
      params(qemuDropIn("30-kernel-params.toml"), "qemu"),
      "console=hvc0 quiet agent.https_proxy=http://p:1 agent.no_proxy=10.0.0.0/8",
    )
    same(
      params(`${defaults}/runtimes/clh/config.d/30-kernel-params.toml`, "clh"),
      "console=hvc0 quiet agent.no_proxy=10.0.0.0/8",
    )
    same(
      params(`${defaults}/custom-runtimes/kata-a/config.d/30-kernel-params.toml`, "firecracker"),
      'console=hvc0 quiet agent.https_proxy=http://f/"q" agent.no_proxy=10.0.0.0/8',
    )
  })

  it("has no leading blank where the base has no kernel parameters", () => {
    const states = desired(settings({ AGENT_NO_PROXY: "x" }), {
      bases: bases({ "configuration-qemu.toml": "[hypervisor.qemu]\nkernel_params = ''\n" }),
    })
    same(
      at(meaning(textAt(states, qemuDropIn("30-kernel-params.toml"))), "hypervisor.qemu.kernel_params"),
      "agent.no_proxy=x",
    )
  })

  describe("in another directory than /opt/kata", () => {
    const base = `[hypervisor.qemu]
path = "/opt/kata/bin/qemu-system-x86_64-snp-experimental"
kernel = "/opt/kata/share/kata-containers/vmlinuz-confidential.container"
image = "/opt/kata/share/kata-containers/kata-containers-confidential.img"
firmware = "/opt/kata/share/ovmf/AMDSEV.fd"
valid_hypervisor_paths = ["/opt/kata/bin/qemu", "/usr/bin/qemu"]
machine_type = "q35"
initrd = ""
elsewhere = "/opt/kata-other/x"
flags = ["--opt=/opt/kata/x"]
[[hypervisor.qemu.guest_extension_images]]
name = "coco"
path = "/opt/kata/share/coco.img"
verity_params = "root_hash=abc"
[[hypervisor.qemu.guest_extension_images]]
name = "other"
path = "/srv/other.img"
[runtime]
enable_debug = false
jaeger = "/opt/kata/x"
`
    const moved = desired(settings({ MULTI_INSTALL_SUFFIX: "dev", SHIMS_X86_64: "qemu-nvidia-gpu-snp" }), {
      bases: bases({ "configuration-qemu-nvidia-gpu-snp.toml": base }),
    })
    const prefix = `${defaults}/runtimes/qemu-nvidia-gpu-snp/config.d/10-installation-prefix.toml`

    it("moves exactly the paths that the base has, and repeats arrays as a whole", () => {
      const { hypervisor, runtime, ...rest } = meaning(textAt(moved, prefix))
      same(rest, {})
      same(runtime, { jaeger: "/opt/kata-dev/x" })
      same(hypervisor, {
        qemu: {
          path: "/opt/kata-dev/bin/qemu-system-x86_64-snp-experimental-installation-prefix",
          kernel: "/opt/kata-dev/share/kata-containers/vmlinuz-confidential.container",
          image: "/opt/kata-dev/share/kata-containers/kata-containers-confidential.img",
          firmware: "/opt/kata-dev/share/ovmf/AMDSEV.fd",
          valid_hypervisor_paths: ["/opt/kata-dev/bin/qemu", "/usr/bin/qemu"],
          guest_extension_images: [
            { name: "coco", path: "/opt/kata-dev/share/coco.img", verity_params: "root_hash=abc" },
            { name: "other", path: "/srv/other.img" },
          ],
        },
      })
    })

    it("starts QEMU through a script that names its data directory", () => {
      const state = moved["bin/qemu-system-x86_64-snp-experimental-installation-prefix"]!
      assert.strictEqual(state._tag === "File" && state.mode, 0o755)
      assert.match(
        textAt(moved, "bin/qemu-system-x86_64-snp-experimental-installation-prefix"),
        /^#!\/usr\/bin\/env bash\n#.*\nexec \/opt\/kata-dev\/bin\/qemu-system-x86_64-snp-experimental "\$@" -L \/opt\/kata-dev\/share\/kata-qemu-snp-experimental\/qemu\/\n$/,
      )
    })

    it("writes no script that a strange directory name could break out of", () => {
      const states = desired(settings({ INSTALLATION_PREFIX: "/a b'; rm -rf $HOME" }))
      const script = textAt(states, "bin/qemu-system-x86_64-installation-prefix")
      assert.include(
        script,
        `exec '/a b'\\''; rm -rf $HOME/opt/kata/bin/qemu-system-x86_64' "$@" -L '/a b'\\''; rm`,
      )
    })

    it("leaves path alone where the base's is not below /opt/kata, and for other hypervisors", () => {
      const other = desired(settings({ MULTI_INSTALL_SUFFIX: "dev", SHIMS_X86_64: "qemu clh dragonball" }), {
        bases: bases({
          "configuration-qemu.toml": "[hypervisor.qemu]\npath = '/usr/bin/qemu'\nkernel = '/opt/kata/k'\n",
          "configuration-clh.toml": "[hypervisor.clh]\npath = '/opt/kata/bin/cloud-hypervisor'\n",
          "runtime-rs/configuration-dragonball.toml": "[hypervisor.dragonball]\nimage = '/opt/kata/i'\n",
        }),
      })
      same(meaning(textAt(other, qemuDropIn("10-installation-prefix.toml"))), {
        hypervisor: { qemu: { kernel: "/opt/kata-dev/k" } },
      })
      same(meaning(textAt(other, `${defaults}/runtimes/clh/config.d/10-installation-prefix.toml`)), {
        hypervisor: { clh: { path: "/opt/kata-dev/bin/cloud-hypervisor" } },
      })
      same(
        meaning(
          textAt(other, `${defaults}/runtime-rs/runtimes/dragonball/config.d/10-installation-prefix.toml`),
        ),
        {
          hypervisor: { dragonball: { image: "/opt/kata-dev/i" } },
        },
      )
      assert.isFalse(Object.keys(other).some((path) => path.startsWith("bin/")))
    })

    it("writes nothing where the base names no path of the default directory", () => {
      const states = desired(settings({ MULTI_INSTALL_SUFFIX: "dev" }), {
        bases: bases({ "configuration-qemu.toml": "[hypervisor.qemu]\nmachine_type = 'q35'\n" }),
      })
      assert.isUndefined(states[qemuDropIn("10-installation-prefix.toml")])
    })

    it("does it for variants and custom runtimes as well, and shares the script", () => {
      const paths = Object.keys(desired(settings({ MULTI_INSTALL_SUFFIX: "dev", DEBUG: "true" })))
      assert.include(
        paths,
        `${defaults}/custom-runtimes/kata-qemu-dev-debug/config.d/10-installation-prefix.toml`,
      )
      assert.strictEqual(paths.filter((path) => path.endsWith("-installation-prefix")).length, 1)
    })
  })

  it("writes no prefix drop-in for /opt/kata itself", () => {
    assert.isFalse(
      Object.keys(desired(settings({ DEBUG: "true" }))).some((path) => path.includes("installation-prefix")),
    )
  })

  it("drops extension images without name or path, and an older devkit, in a devkit variant", () => {
    const base = `[hypervisor.qemu]
guest_extension_images = [{ name = "a" }, { path = "/x" }, { name = "devkit", path = "/old" }, { name = "b", path = "/b", other = 1 }]
`
    const states = desired(settings({ DEBUG: "true", DEVKIT: "true" }), {
      bases: bases({ "configuration-qemu.toml": base }),
      devkitVerity: "root_hash=1",
    })
    same(
      at(
        meaning(textAt(states, `${defaults}/custom-runtimes/kata-qemu-devkit/config.d/25-devkit.toml`)),
        "hypervisor.qemu.guest_extension_images",
      ),
      [
        { name: "b", path: "/b" },
        {
          name: "devkit",
          path: "/opt/kata/share/kata-containers/kata-containers-devkit-extension.img",
          verity_params: "root_hash=1",
        },
      ],
    )
  })

  it("gives the same states in the same order for the same input", () => {
    const given = settings({ SHIMS_X86_64: "qemu clh", DEBUG: "true", MULTI_INSTALL_SUFFIX: "dev" })
    const reversed = new Map([...bases()].reverse())
    assert.strictEqual(JSON.stringify(desired(given)), JSON.stringify(desired(given, { bases: reversed })))
  })

  it("refuses a base that is no TOML", () => {
    assert.isTrue(Result.isFailure(KataConfig.parseBase("a = ")))
  })
})
