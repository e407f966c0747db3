/** Answers: which version is this? */

/** Filled in by the bundler; the sources read the manifest instead. */
declare const KATA_DEPLOY_VERSION: string | undefined

/** The version of this program, e.g. `4.1.0`. */
export const version = async (): Promise<string> => {
  if (typeof KATA_DEPLOY_VERSION === "string") return KATA_DEPLOY_VERSION
  const manifest = await import("../package.json", { with: { type: "json" } })
  return manifest.default.version
}
