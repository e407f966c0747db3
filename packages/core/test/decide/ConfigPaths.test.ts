import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ConfigPaths, Distribution, FileState, HostPath, Instance } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

interface Given {
  readonly runtime?: Distribution.CriRuntime
  readonly version?: string | undefined
  readonly text?: string
  readonly state?: FileState.FileState
  readonly suffix?: string | undefined
  readonly prefix?: string | undefined
  readonly pinnedDir?: string
  readonly fileName?: string
}

const factsOf = (given: Given): ConfigPaths.PathFacts => ({
  instance: Instance.make({ prefix: given.prefix, suffix: given.suffix }),
  row: Distribution.rowOf(given.runtime ?? "containerd"),
  pinnedDir: given.pinnedDir === undefined ? undefined : HostPath.make(given.pinnedDir),
  fileName: given.fileName ?? "config.toml",
  version: given.version,
  mainConfig: given.state ?? (given.text === undefined ? FileState.absent : FileState.file(given.text)),
})

const paths = (given: Given) => Result.getOrThrow(ConfigPaths.decide(factsOf(given)))

const refused = (given: Given) => {
  const { _tag, problems } = Result.getOrThrow(Result.flip(ConfigPaths.decide(factsOf(given))))
  assert.strictEqual(_tag, "PrerequisiteError")
  assert.strictEqual(problems.length, 1)
  return problems[0]!
}

const confD = 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
const k3sDir = "/var/lib/rancher/k3s/agent/etc/containerd"
const rendered = (version: string, directory: string) =>
  `${version}\nimports = ["${k3sDir}/${directory}/*.toml"]\n`

interface PathsCase {
  readonly name: string
  readonly input: {
    readonly runtime: Distribution.CriRuntime
    readonly containerRuntimeVersion: string | null
    readonly env: Readonly<Record<string, string>>
    readonly files: Readonly<Record<string, string>>
  }
  readonly expected: {
    readonly error?: string
    readonly importsFile: string | null
    readonly dropInFile: string
    readonly useDropIn: boolean
    readonly criPluginId: string | null
  }
  readonly upstreamQuirk?: boolean
}

describe("ConfigPaths", () => {
  for (const { expected, input, name, upstreamQuirk } of Vectors.section<PathsCase>(
    "03-containerd-paths",
    "cases",
  )) {
    if (upstreamQuirk === true || input.runtime === "crio") continue
    // Drop-ins below the install directory are the same path in the pod and on the host.
    it(`agrees with upstream about ${name}`, () => {
      const row = Distribution.rowOf(input.runtime)
      const onHost = (path: string | null) => path?.replace("/etc/containerd", row.configDir)
      const main =
        input.files["/etc/containerd/config.toml"] ??
        (row.runtime === "microk8s" ? "version = 2\n" : undefined)
      const given: Given = {
        runtime: input.runtime,
        version: input.containerRuntimeVersion ?? undefined,
        ...(main === undefined ? {} : { text: main }),
        suffix: input.env["MULTI_INSTALL_SUFFIX"],
        prefix: input.env["INSTALLATION_PREFIX"],
      }
      if (expected.error !== undefined) {
        assert.strictEqual(refused(given).code, expected.error)
        return
      }
      const found = paths(given)
      assert.strictEqual<string | undefined>(found.dropIn, onHost(expected.dropInFile))
      assert.strictEqual(found.mode === "drop-in", expected.useDropIn)
      if (expected.useDropIn)
        assert.strictEqual<string | undefined>(found.importsFile, onHost(expected.importsFile))
    })
  }

  describe("of a main config of the operator's", () => {
    for (const [version, text, mode, dropIn] of [
      ["containerd://1.6.20", "version = 2\n", "whole-file", undefined],
      ["containerd://1.7.24", confD, "whole-file", undefined],
      ["containerd://2.0.5", "version = 2\n", "drop-in", "/opt/kata/containerd/config.d/kata-deploy.toml"],
      ["containerd://2.1.5", confD, "drop-in", "/opt/kata/containerd/config.d/kata-deploy.toml"],
      ["containerd://2.2.0-rc.1", confD, "drop-in", "/etc/containerd/conf.d/kata-deploy.toml"],
      ["containerd://2.3.1", confD, "drop-in", "/etc/containerd/conf.d/kata-deploy.toml"],
      ["containerd://2.2.0", "version = 3\n", "drop-in", "/opt/kata/containerd/config.d/kata-deploy.toml"],
    ] as const) {
      it(`${version} takes ${dropIn ?? "a block"} with ${JSON.stringify(text)}`, () => {
        const found = paths({ version, text })
        assert.strictEqual(found.mode, mode)
        assert.strictEqual<string>(found.mainConfig, "/etc/containerd/config.toml")
        if (dropIn === undefined) {
          assert.isUndefined(found.importsFile)
        } else {
          assert.strictEqual<string>(found.dropIn, dropIn)
          assert.strictEqual<string | undefined>(
            found.importsFile,
            dropIn.startsWith("/opt") ? "/etc/containerd/config.toml" : undefined,
          )
        }
        assert.isFalse(found.repeatsCriTable)
      })
    }

    it("conf.d is used only where the file itself imports it", () => {
      for (const [imports, reads] of [
        ['imports = ["/etc/containerd/conf.d/*.toml"]', true],
        ["imports = ['conf.d/*.toml']", true],
        ["imports = ['./conf.d/../conf.d/*']", true],
        ["imports = ['/etc/containerd/*.d/*.toml']", true],
        ["imports = ['/etc/containerd/conf.d/kata-*.toml']", true],
        ["imports = ['/etc/containerd/conf.d/k[a-m]ta*.toml']", true],
        ["imports = ['/etc/containerd/conf.d/kata-deploy.toml']", true],
        ["imports = [\n  '/other.toml', # /x\n  '/etc/containerd//conf.d/*.toml',\n]", true],
        ["# imports = ['/etc/containerd/conf.d/*.toml']", false],
        ["imports = [] # /etc/containerd/conf.d/*.toml", false],
        ["imports = ['/etc/containerd/conf.d/*.yaml']", false],
        ["imports = ['/etc/containerd/conf.d/kata?deploy.toml']", false],
        ["imports = ['/etc/containerd/conf.d']", false],
        ["imports = ['/etc/containerd/conf.d/*/*.toml']", false],
        ["imports = ['/x/etc/containerd/conf.d/*.toml']", false],
        ["imports = ['/etc/containerd/conf.d/zz*.toml']", false],
        ["imports = ['/etc/containerd/conf.d/[*.toml']", false],
        ["imports = '/etc/containerd/conf.d/*.toml'", false],
        ["[x]\nimports = ['/etc/containerd/conf.d/*.toml']", false],
      ] as const) {
        const { dropIn } = paths({ version: "containerd://2.2.0", text: `${imports}\n` })
        assert.strictEqual(dropIn.startsWith("/etc/containerd/conf.d/"), reads, imports)
      }
    })

    it("a pinned directory moves conf.d with it, and compares host paths", () => {
      const given = { version: "containerd://2.2.0", pinnedDir: "/srv/cd", fileName: "main.toml" }
      const own = paths({ ...given, text: "imports = ['/srv/cd/conf.d/*.toml']\n" })
      assert.strictEqual<string>(own.dropIn, "/srv/cd/conf.d/kata-deploy.toml")
      assert.strictEqual<string>(own.mainConfig, "/srv/cd/main.toml")
      const other = paths({ ...given, text: confD })
      assert.strictEqual<string>(other.dropIn, "/opt/kata/containerd/config.d/kata-deploy.toml")
      assert.strictEqual<string | undefined>(other.importsFile, "/srv/cd/main.toml")
    })

    it("the instance is in file names of shared directories only", () => {
      const shared = paths({ version: "containerd://2.2.0", text: confD, suffix: "dev" })
      assert.strictEqual<string>(shared.dropIn, "/etc/containerd/conf.d/kata-deploy-dev.toml")
      assert.strictEqual<string>(shared.userDropIn, "/etc/containerd/conf.d/zz-kata-deploy-dev-user.toml")
      const own = paths({ version: "containerd://2.1.0", text: confD, suffix: "dev" })
      assert.strictEqual<string>(own.dropIn, "/opt/kata-dev/containerd/config.d/kata-deploy.toml")
      assert.strictEqual<string>(own.userDropIn, "/opt/kata-dev/containerd/config.d/zz-kata-deploy-user.toml")
    })

    it("a suffix needs drop-ins", () => {
      const problem = refused({ version: "containerd://1.7.24", text: "version = 2\n", suffix: "dev" })
      assert.strictEqual(problem.code, "E_MULTI_INSTALL_NEEDS_DROPIN")
      assert.strictEqual(problem.setting, "MULTI_INSTALL_SUFFIX")
      assert.strictEqual(problem.value, "dev")
    })

    for (const version of [undefined, "containerd://Unknown", "containerd://2", "cri-o://1.34"]) {
      it(`the version ${version ?? "that nobody knows"} is refused, never guessed`, () => {
        const problem = refused({ version, text: "version = 2\n" })
        assert.strictEqual(
          problem.code,
          version === undefined ? "E_NO_RUNTIME_VERSION" : "E_RUNTIME_VERSION_UNKNOWN",
        )
        assert.strictEqual(problem.setting, "CONTAINER_RUNTIME_VERSION")
        assert.strictEqual(problem.value, version)
      })
    }

    for (const [version, schema] of [
      ["containerd://1.7.24", 2],
      ["containerd://2.1.5", 3],
      ["containerd://2.3.0", 3],
    ] as const) {
      it(`that is missing will declare schema ${schema} for ${version}`, () => {
        assert.strictEqual(paths({ version }).schema, schema)
      })
    }

    for (const [text, schema] of [
      ["version = 4\n", 4],
      ["version = 7\n", 4],
      ["version = 3\n", 3],
      ["version = 2\n", 2],
      ['"version" = 3\n', 3],
    ] as const) {
      it(`with ${JSON.stringify(text)} gets tables of schema ${schema}`, () => {
        for (const version of ["2.1.0", "2.3.0"])
          assert.strictEqual(paths({ version: `containerd://${version}`, text }).schema, schema)
      })
    }

    for (const [text, schema] of [
      ["version = 1\n", 1],
      ["root = 'x'\n", 3],
      ["[plugins.cri]\n", 1],
      ['[plugins."io.containerd.grpc.v1.cri"]\n', 2],
    ] as const) {
      it(`with ${JSON.stringify(text)} counts as schema 3 on 2.0 to 2.2, and gets tables of ${schema} on 2.3`, () => {
        for (const version of ["2.0.5", "2.1.0", "2.2.1"])
          assert.strictEqual(paths({ version: `containerd://${version}`, text }).schema, 3)
        assert.strictEqual(paths({ version: "containerd://2.3.0", text }).schema, schema)
      })
    }
  })

  describe("of a rendered main config", () => {
    for (const [runtime, version, text, dropIn, schema, repeats] of [
      [
        "k3s",
        "containerd://2.1.5-k3s1",
        rendered("version = 3", "config-v3.toml.d"),
        "config-v3.toml.d",
        3,
        false,
      ],
      [
        "k3s",
        "containerd://2.3.0",
        rendered("version = 4", "config-v3.toml.d"),
        "config-v3.toml.d",
        4,
        false,
      ],
      [
        "k3s-agent",
        "containerd://1.7.23-k3s2",
        rendered("version = 2", "config.toml.d"),
        "config.toml.d",
        2,
        true,
      ],
      ["k3s", "containerd://2.1.5-k3s1", rendered("version = 2", "config.toml.d"), "config.toml.d", 2, false],
      ["k3s", undefined, rendered("version = 3", "config-v3.toml.d"), "config-v3.toml.d", 3, false],
      ["k3s", undefined, rendered("version = 2", "config.toml.d"), "config.toml.d", 2, true],
      ["k3s", "containerd://2.0.0", rendered("root = 'x'", "config-v3.toml.d"), "config-v3.toml.d", 3, false],
      ["k3s", "containerd://1.7.0", rendered("root = 'x'", "config.toml.d"), "config.toml.d", 2, true],
    ] as const) {
      it(`${runtime} with ${version ?? "no version"} and ${text.split("\n")[0]} reads ${dropIn}`, () => {
        const found = paths({ runtime, version, text })
        assert.strictEqual<string>(found.dropIn, `${k3sDir}/${dropIn}/kata-deploy.toml`)
        assert.strictEqual<string>(found.userDropIn, `${k3sDir}/${dropIn}/zz-kata-deploy-user.toml`)
        assert.strictEqual(found.schema, schema)
        assert.strictEqual(found.repeatsCriTable, repeats)
        assert.isUndefined(found.importsFile)
        assert.strictEqual(found.mode, "drop-in")
      })
    }

    it("has the instance in the drop-in's name", () => {
      const found = paths({
        runtime: "k3s",
        text: rendered("version = 3", "config-v3.toml.d"),
        suffix: "dev",
      })
      assert.strictEqual<string>(found.dropIn, `${k3sDir}/config-v3.toml.d/kata-deploy-dev.toml`)
    })

    it("that does not import the directory of its schema is refused, with the line to add", () => {
      for (const text of [
        "version = 3\n",
        rendered("version = 3", "config.toml.d"),
        `version = 3\n# imports = ["${k3sDir}/config-v3.toml.d/*.toml"]\n`,
        "version = 3\nimports = ['/x/config-v3.toml.d/*.toml']\n",
      ]) {
        const problem = refused({ runtime: "k3s", text, version: "containerd://2.1.5" })
        assert.strictEqual(problem.code, "E_K3S_IMPORT_MISSING", text)
        assert.strictEqual(problem.path, `${k3sDir}/config.toml`)
        assert.include(problem.remedy, `imports = ["${k3sDir}/config-v3.toml.d/*.toml"]`)
        assert.include(problem.remedy, "k3s.service")
      }
    })

    it("may import by a relative glob, which containerd 1.6 alone does not follow", () => {
      const text = "version = 2\nimports = ['config.toml.d/*.toml']\n"
      assert.strictEqual(
        refused({ runtime: "k3s", text, version: "containerd://1.6.28" }).code,
        "E_K3S_IMPORT_MISSING",
      )
      assert.strictEqual(paths({ runtime: "k3s", text, version: "containerd://1.7.0" }).schema, 2)
    })

    it("that is missing, or neither declares nor has a version, is refused", () => {
      assert.strictEqual(
        refused({ runtime: "k3s", version: "containerd://2.1.5" }).code,
        "E_K3S_RENDERED_UNREADABLE",
      )
      assert.strictEqual(
        refused({ runtime: "k3s", text: rendered("root = 'x'", "config-v3.toml.d") }).code,
        "E_NO_RUNTIME_VERSION",
      )
    })
  })

  describe("of k0s", () => {
    it("lie in the directory that k0s merges, whatever the version is", () => {
      const found = paths({ runtime: "k0s-worker", text: "version = 2\n" })
      assert.strictEqual<string>(found.mainConfig, "/etc/k0s/containerd.toml")
      assert.strictEqual<string>(found.dropIn, "/etc/k0s/containerd.d/kata-deploy.toml")
      assert.isUndefined(found.importsFile)
      assert.isFalse(found.repeatsCriTable)
      assert.strictEqual(found.schema, 2)
      assert.strictEqual<string>(
        paths({ runtime: "k0s-controller", text: "version = 3\n", suffix: "dev" }).dropIn,
        "/etc/k0s/containerd.d/kata-deploy-dev.toml",
      )
    })

    it("need its containerd.toml, which tells the schema", () => {
      assert.strictEqual(refused({ runtime: "k0s-worker" }).code, "E_CONTAINERD_CONFIG_UNREADABLE")
    })
  })

  it("microk8s has its template as main config, and never conf.d", () => {
    const found = paths({
      runtime: "microk8s",
      version: "containerd://2.2.0",
      text: "imports = ['/var/snap/microk8s/current/args/conf.d/*.toml']\n",
    })
    assert.strictEqual<string | undefined>(
      found.importsFile,
      "/var/snap/microk8s/current/args/containerd-template.toml",
    )
    assert.strictEqual<string>(found.dropIn, "/opt/kata/containerd/config.d/kata-deploy.toml")
  })

  for (const [runtime, code] of [
    ["containerd", "E_CONTAINERD_CONFIG_UNREADABLE"],
    ["k3s", "E_K3S_RENDERED_UNREADABLE"],
    ["k0s-worker", "E_CONTAINERD_CONFIG_UNREADABLE"],
  ] as const) {
    it(`a main config of ${runtime} that cannot be read is refused, with the reason`, () => {
      const problem = refused({
        runtime,
        version: "containerd://2.1.5",
        state: { _tag: "Unreadable", why: "not-utf8", detail: "it is not UTF-8" },
      })
      assert.strictEqual(problem.code, code)
      assert.include(problem.message, "it is not UTF-8")
    })
  }

  it("a main config that is a link or a directory is refused, and never replaced by a file", () => {
    for (const state of [FileState.link("/etc/static/config.toml"), FileState.directory()]) {
      for (const runtime of ["containerd", "microk8s", "k3s", "k0s-worker"] as const) {
        const problem = refused({ runtime, version: "containerd://2.1.5", state })
        assert.strictEqual(problem.code, "E_CONTAINERD_CONFIG_UNREADABLE")
        if (state._tag === "Link") assert.include(problem.message, "/etc/static/config.toml")
      }
    }
  })

  it("a main config that is no TOML is refused, with the line", () => {
    for (const runtime of ["containerd", "k3s", "k0s-worker"] as const) {
      const problem = refused({ runtime, version: "containerd://2.1.5", text: "version = 2\nx = \n" })
      assert.strictEqual(problem.code, "E_CONTAINERD_CONFIG_NOT_TOML")
      assert.include(problem.message, "line 2")
    }
  })

  for (const [pattern, name, matches] of [
    ["*.toml", "a.toml", true],
    ["*.toml", ".hidden.toml", true],
    ["*.toml", "a.toml.bak", false],
    ["*.toml", "atoml", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["[a-c]x", "bx", true],
    ["[^a-c]x", "bx", false],
    ["[^a-c]x", "dx", true],
    ["a+(b)|{c}$^.", "a+(b)|{c}$^.", true],
    ["[", "[", false],
    ["*", "", true],
  ] as const) {
    it(`the glob ${pattern} ${matches ? "matches" : "does not match"} ${JSON.stringify(name)}`, () => {
      assert.strictEqual(ConfigPaths.globMatches(pattern, name), matches)
    })
  }
})
