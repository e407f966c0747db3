/**
 * Answers: how does a process that only waits get at Node's own modules? Not by importing them: an ES module that is
 * imported into has its every export looked at and is kept in a second form, which costs a waiting process some MiB
 * (`npm run bench -- memory`). For the same reason `process` is the global one in all that the supervisor is made of.
 */

/** `node:child_process` */
export const childProcess = process.getBuiltinModule("node:child_process")
/** `node:fs` */
export const fs = process.getBuiltinModule("node:fs")
/** `node:net` */
export const net = process.getBuiltinModule("node:net")
