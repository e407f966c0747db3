/** Every rule of our own, in the order in which `npm run check` names them. */
import { apart, core, declared, platform, snapshots } from "./dependencies.ts"
import { documented } from "./documentation.ts"
import { lock } from "./lock.ts"
import { length, names, wholeTests } from "./shape.ts"
import type { Rule } from "./Source.ts"
import { stable } from "./stability.ts"

export const rules: ReadonlyArray<Rule> = [
  core,
  snapshots,
  apart,
  platform,
  declared,
  stable,
  documented,
  length,
  names,
  wholeTests,
  lock,
]
