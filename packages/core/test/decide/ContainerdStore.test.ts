import { assert, describe, it } from "@effect/vitest"
import { ContainerdStore, Distribution, Fact, type Facts, FileState, HostPath } from "../../src/index.ts"
import * as Node from "../Node.ts"

const main = HostPath.make("/etc/containerd/config.toml")
const plugin = "io.containerd.snapshotter.v1.erofs"
const imported = HostPath.make("/etc/containerd/conf.d/store.toml")

const store = (tree: Node.Tree, facts: Partial<Facts.Facts> = {}, runtime = "containerd") =>
  ContainerdStore.ofErofs({
    row: Distribution.lookup(runtime)!,
    mainConfig: main,
    facts: Node.facts(tree, facts),
  })

const known = (path: string) => Fact.known(HostPath.make(path))

describe("ContainerdStore", () => {
  it("is below the root that the distribution gives containerd, where no file names one", () => {
    for (const text of ["", 'root = ""\n', "version = 3\n", "root = 7\n"])
      assert.deepStrictEqual(store({ [main]: text }), known(`/var/lib/containerd/${plugin}`), text)
    assert.deepStrictEqual(store({ "/etc/hostname": "n" }), known(`/var/lib/containerd/${plugin}`))
    assert.deepStrictEqual(
      store({ [main]: "" }, {}, "k3s-agent"),
      known(`/var/lib/rancher/k3s/agent/containerd/${plugin}`),
    )
  })

  it("is below the root that the file names which is loaded last", () => {
    const tree = { [main]: 'root = "/data/one/"\n', [imported]: 'root = "/data/two"\n' }
    assert.deepStrictEqual(store(tree), known(`/data/one/${plugin}`))
    assert.deepStrictEqual(store(tree, { imported: [imported] }), known(`/data/two/${plugin}`))
    const userDropIn = FileState.file('root = "/data/three"\n')
    assert.deepStrictEqual(store(tree, { imported: [imported], userDropIn }), known(`/data/three/${plugin}`))
  })

  it("is the snapshotter's own directory, where it has one", () => {
    const own = `[plugins."${plugin}"]\nroot_path = "/layers"\n`
    assert.deepStrictEqual(store({ [main]: `root = "/data"\n${own}` }), known("/layers"))
    assert.deepStrictEqual(
      store({ [main]: 'root = "/data"\n' }, { userDropIn: FileState.file(own) }),
      known("/layers"),
    )
  })

  it("is unknown where a file that may name it could not be read, and that file is named", () => {
    const why = (...given: Parameters<typeof store>) => {
      const answer = store(...given)
      return answer._tag === "Unknown" && answer.how === "failed" ? answer.why : assert.fail("it is known")
    }
    assert.include(why({ [main]: FileState.link("/elsewhere") }), main)
    const hidden: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "no permission" }
    assert.include(why({ [main]: hidden }), main)
    assert.include(why({ [main]: "root = \n" }), main)
    assert.include(why({ [main]: "", [imported]: hidden }, { imported: [imported] }), imported)
    const directory = HostPath.make("/etc/containerd/conf.d")
    assert.include(why({ [main]: "" }, { unlisted: [{ path: directory, detail: "denied" }] }), directory)
  })
})
