/**
 * Answers: where does the kubelet find why a container ended? In a file that it made for the purpose; its text becomes
 * the container's termination message. Source:
 * https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
import { fs } from "./Builtins.ts"

/** Environment variable with another path, for a `terminationMessagePath` that is not the usual one. */
export const pathVariable = "KATA_DEPLOY_TERMINATION_LOG"

/** Path where nothing else is said. */
export const usualPath = "/dev/termination-log"

/** Bytes that the kubelet keeps. */
export const mostBytes = 4096

/** The beginning of a text that fits; no character is cut in two. */
export const fitting = (text: string): string => {
  if (Buffer.byteLength(text) <= mostBytes) return text
  const mark = " …"
  const kept = Buffer.from(text).subarray(0, mostBytes - Buffer.byteLength(mark))
  return `${kept.toString("utf8").replace(/\uFFFD+$/, "")}${mark}`
}

/** Writes the message, best effort. Outside a container there is no such file, and none is made. */
export const write = (env: Readonly<Record<string, string | undefined>>, text: string): void => {
  try {
    const fd = fs.openSync(env[pathVariable] || usualPath, fs.constants.O_WRONLY | fs.constants.O_TRUNC)
    try {
      fs.writeSync(fd, fitting(text))
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    // The log says the same.
  }
}
