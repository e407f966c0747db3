// What `npm ci` ends with: sees to it that Node 26 is at hand, and builds the program. An installation without
// Node 26 or without the bundler is not spoiled by it; it says in one line what is missing. Plain old syntax,
// so that every Node which understands modules can run this file.

import { spawnSync } from "child_process"
import { existsSync, mkdirSync, symlinkSync } from "fs"
import { dirname, join } from "path"
import { fileURLToPath } from "url"

var root = join(dirname(fileURLToPath(import.meta.url)), "..")
var bin = join(root, "node_modules", ".bin")
var node = join(bin, "node")
var scripts = join(root, "scripts")

// npm 10 fetches the right Node, but then takes `.bin/node` away again: when it drops the Nodes of the other
// platforms, it also removes the link of that name, although it is another package's. So we put it back.
var names = ["node-", "node-bin-"].map(function (prefix) {
  return prefix + process.platform + "-" + process.arch
})
names.forEach(function (name) {
  if (existsSync(node) || !existsSync(join(root, "node_modules", name, "bin", "node"))) return
  mkdirSync(bin, { recursive: true })
  symlinkSync(join("..", name, "bin", "node"), node)
})

var runner = existsSync(node) ? node : process.execPath
if (spawnSync(runner, [join(scripts, "check-node.mjs")]).status === 0) {
  spawnSync(runner, [join(scripts, "build.mjs"), "--lenient"], { stdio: "inherit" })
} else {
  console.error(
    "kata-deploy was not built: Node " +
      process.versions.node +
      " is too old; `npm ci` without --omit=optional brings Node 26.",
  )
}
