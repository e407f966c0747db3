import { assert, describe, it } from "vitest"
import * as LockHolder from "../../src/lock/LockHolder.ts"

const locks = `1: POSIX  ADVISORY  WRITE 300 fe:00:77 0 EOF
2: FLOCK  ADVISORY  WRITE 100 fe:01:77 0 EOF
3: FLOCK  ADVISORY  WRITE 200 fe:00:77 0 EOF
3: -> FLOCK  ADVISORY  WRITE 201 fe:00:77 0 EOF
4: FLOCK  ADVISORY  READ 400 fe:00:78 0 EOF
`
const file = { inode: 77n, device: "fe:00" }

const proc =
  (files: Readonly<Record<string, string>>): LockHolder.ReadProc =>
  (path) =>
    ({ "/proc/locks": locks, ...files })[path]

describe("who holds the lock on a file", () => {
  it("is who the kernel lists with its inode and device, not who waits, nor other kinds of locks", () => {
    assert.deepStrictEqual(LockHolder.pidsIn(locks, file), [200])
  })

  it("is told by the inode alone where layers of a filesystem hide the device", () => {
    assert.deepStrictEqual(LockHolder.pidsIn(locks, { inode: 78n, device: "00:1f" }), [400])
  })

  it("has the device number that the kernel would print", () => {
    const { device } = LockHolder.identityOf({ ino: 1n, dev: 0xfe00n })
    assert.strictEqual(device, "fe:00")
    assert.strictEqual(LockHolder.identityOf({ ino: 1n, dev: (259n << 8n) | 3n }).device, "103:03")
  })

  it("is a program by its name, or the script that an interpreter runs, never its arguments", () => {
    assert.strictEqual(
      LockHolder.programOf("/usr/bin/node\0--conditions=x\0/app/kata-deploy.mjs\0--token=a\0"),
      "kata-deploy.mjs",
    )
    assert.strictEqual(LockHolder.programOf("/usr/bin/kata-deploy\0install\0"), "kata-deploy")
    assert.isUndefined(LockHolder.programOf(""))
    for (const inline of ["bash\0-c", "/bin/sh\0-ec", "node\0--eval"])
      assert.notInclude(LockHolder.programOf(`${inline}\0TOKEN=a exec /bin/x\0name\0`), "x")
    assert.strictEqual(LockHolder.programOf("bash\0-x\0/root/upgrade.sh\0"), "upgrade.sh")
  })

  it("is who started it where it is a flock", () => {
    const files = {
      "/proc/200/cmdline": "flock\0--exclusive\0/run/lock/kata-deploy.lock\0cat\0",
      "/proc/200/status": "Name:\tflock\nPPid:\t150\n",
      "/proc/150/cmdline": "node\0/app/kata-deploy.mjs\0install\0",
    }
    assert.strictEqual(LockHolder.describe(proc(files), file), "kata-deploy.mjs (process 150)")
    const orphan = { ...files, "/proc/200/status": "PPid:\t1\n" }
    assert.strictEqual(LockHolder.describe(proc(orphan), file), "flock (process 200)")
  })

  it("cannot be seen outside of the own PID namespace", () => {
    const outside = proc({ "/proc/locks": "1: FLOCK  ADVISORY  WRITE 0 fe:00:77 0 EOF\n" })
    assert.strictEqual(LockHolder.describe(outside, file), LockHolder.nobodyKnown)
    assert.strictEqual(
      LockHolder.describe(() => undefined, file),
      LockHolder.nobodyKnown,
    )
    assert.strictEqual(LockHolder.of("/nonexistent"), LockHolder.nobodyKnown)
  })
})
