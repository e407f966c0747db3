import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { afterEach, beforeEach } from "vitest"
import * as ProcessFiles from "../../src/run/ProcessFiles.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kata-deploy-files-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe("files of this process", () => {
  it.effect("are text, or say in words why they are not", () =>
    Effect.gen(function* () {
      writeFileSync(join(directory, "a"), "text")
      writeFileSync(join(directory, "b"), Buffer.from([0xff, 0xfe, 0x00]))
      const read = (name: string) => ProcessFiles.text(join(directory, name), 4096)
      assert.deepStrictEqual(yield* read("a"), Result.succeed("text"))
      assert.deepStrictEqual(yield* read("b"), Result.fail("it is not UTF-8 text"))
      assert.deepStrictEqual(yield* read("c"), Result.fail("there is no such file"))
      assert.deepStrictEqual(yield* read("."), Result.fail("it is a directory"))
      assert.deepStrictEqual(yield* read("a/b"), Result.fail("it lies below something that is no directory"))
    }),
  )

  it.effect("are read up to a size, whatever they say of theirs", () =>
    Effect.gen(function* () {
      const file = join(directory, "a")
      writeFileSync(file, "x".repeat(70_000))
      assert.deepStrictEqual(yield* ProcessFiles.text(file, 70_000), Result.succeed("x".repeat(70_000)))
      for (const endless of [file, "/dev/zero"])
        assert.deepStrictEqual(yield* ProcessFiles.text(endless, 4096), Result.fail("it has more than 4 KiB"))
    }),
  )

  it.effect("hold the operator's drop-ins as a ConfigMap mounts them", () =>
    Effect.gen(function* () {
      mkdirSync(join(directory, "..data"))
      writeFileSync(join(directory, "..data/custom-runtimes.list"), "kata-x:qemu\n")
      symlinkSync("..data/custom-runtimes.list", join(directory, "custom-runtimes.list"))
      writeFileSync(join(directory, "dropin-qemu.toml"), "a = 1\n")
      writeFileSync(join(directory, "README"), "not for us")
      const configs = yield* ProcessFiles.customConfigs(directory)
      assert(configs._tag === "Files")
      assert.deepStrictEqual(Object.fromEntries(configs.files), {
        "custom-runtimes.list": "kata-x:qemu\n",
        "dropin-qemu.toml": "a = 1\n",
      })
    }),
  )

  it.effect("that are not mounted say so", () =>
    Effect.gen(function* () {
      const configs = yield* ProcessFiles.customConfigs(join(directory, "none"))
      assert(configs._tag === "Unreadable")
      assert.match(configs.why, /none: there is no such file$/)
    }),
  )
})
