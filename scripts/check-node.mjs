// Says in one line what to do when the Node that runs us is too old, instead of letting a tool fail with a
// stack trace. Plain old syntax, so that every Node which understands modules can parse this file.

var version = process.versions.node
var major = parseInt(version.split(".")[0] || "0", 10)
var minor = parseInt(version.split(".")[1] || "0", 10)

if (major < 22 || (major === 22 && minor < 19)) {
  console.error("Node " + version + " is too old for kata-deploy: run `npm ci` first, it brings Node 26.")
  process.exit(1)
}
