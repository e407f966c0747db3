// What `npm ci` ends with: builds the program. An installation without Node 26 or without the bundler is not
// spoiled by it; it says in one line what is missing.
//
//   node scripts/prepare.mjs --lenient

import "./check-node.mjs"

import("./build.mjs")
