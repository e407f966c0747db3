import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "vitest"

const root = join(import.meta.dirname, "../..")

/** Runs `npm run vectors` as the script does, over these files or over our own. */
const vectors = (files?: Readonly<Record<string, unknown>>) => {
  const directory = mkdtempSync(join(tmpdir(), "vectors-"))
  try {
    for (const [name, content] of Object.entries(files ?? {})) {
      const text = typeof content === "string" ? content : JSON.stringify(content)
      writeFileSync(join(directory, `${name}.json`), text)
    }
    const env = { ...process.env, VECTORS_DIR: files === undefined ? "" : directory }
    const ran = spawnSync(process.execPath, ["--conditions=source", "scripts/vectors.ts"], {
      cwd: root,
      env,
      encoding: "utf8",
    })
    return { status: ran.status, output: ran.stdout, errors: ran.stderr }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const unit = (runtime: string, expected: string, rest: object = {}) => ({
  name: runtime,
  input: { runtime },
  expected: { unit: expected },
  ...rest,
})

const units = (...cases: ReadonlyArray<object>) => ({ "02-runtime-detection": { systemdUnit: cases } })

describe("npm run vectors", () => {
  it("passes every case of ours", () => {
    const { errors, output, status } = vectors()
    assert.strictEqual(status, 0, output + errors)
    assert.match(output, /\n[1-9]\d{2,} passed, 0 failed\n$/)
  })

  it("fails on a wrong case, and says what differs", () => {
    const { output, status } = vectors(units(unit("k3s", "k3s.service"), unit("k0s-worker", "k0s.service")))
    assert.strictEqual(status, 1)
    assert.include(output, "failed    systemdUnit/k0s-worker")
    assert.include(output, `.unit: expected "k0s.service", got "k0sworker.service"`)
    assert.match(output, /\n1 passed, 1 failed\n$/)
  })

  it("fails on a case, a file or an answer that nobody can read, and goes on", () => {
    const { output, status } = vectors({
      ...units({ name: "odd", input: { unit: 7 }, expected: {} }, unit("k3s", "k3s.service")),
      "03-containerd-config": { cases: [{ name: "no steps", input: {}, expected: {} }] },
      "04-crio": { cases: ["no case at all"] },
      "05-artifacts": "{",
    })
    assert.strictEqual(status, 1)
    assert.include(output, "the runner cannot read this case")
    assert.include(output, "it is no JSON")
    assert.notInclude(output, "the runner broke")
    assert.match(output, /\n1 passed, 4 failed\n$/)
  })

  it("counts a quirk only where it is written down what we do, and takes expectations that are ours already", () => {
    const upstreams = { upstreamQuirk: true, recommended: "something else" }
    const { output, status } = vectors({
      ...units(
        unit("k3s", "upstream.service", upstreams),
        unit("crio", "upstream.service", upstreams),
        unit("microk8s", "snap.microk8s.daemon-containerd.service", { ...upstreams, upstream: {} }),
      ),
      quirks: {
        "02-runtime-detection": {
          systemdUnit: { crio: { because: "so it is", expected: { unit: "crio.service" } } },
        },
      },
    })
    assert.strictEqual(status, 0, output)
    assert.include(output, "quirk     systemdUnit/k3s")
    assert.match(output, /\n2 passed, 0 failed\n$/)
  })

  it("tells deviations with their reasons, and what nobody answers", () => {
    const { output, status } = vectors({
      ...units(unit("k3s", "upstream.service")),
      "99-new": { things: [{ name: "thing", input: 1, expected: 2 }] },
      deviations: {
        "02-runtime-detection": {
          systemdUnit: { k3s: { because: "because we say so", expected: { unit: "k3s.service" } } },
        },
      },
    })
    assert.strictEqual(status, 0, output)
    assert.include(output, "deviation systemdUnit/k3s")
    assert.include(output, "because we say so")
    assert.include(output, "not run   things (1)")
    assert.match(output, /\n0 passed, 0 failed\n$/)
  })
})
