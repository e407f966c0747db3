/** Answers: how much memory does a value keep, and how much did making it take? In bytes of the heap. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import process from "node:process"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** Bytes that what `make` returns keeps on the heap: collected before, and collected while only that is held. */
export const keptBytes = (make: () => unknown): number => {
  collect()
  const before = process.memoryUsage().heapUsed
  const held = make()
  collect()
  const after = process.memoryUsage().heapUsed
  // Used behind the measurement, so that it is there during it.
  return held === undefined ? 0 : after - before
}
