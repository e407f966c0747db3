/** On which hosts does a test run? One per Debian suite; what cannot be booted is "not run", which in CI is a failure. */
import { afterAll, beforeAll, describe } from "vitest"
import { notRun } from "../Conditions.ts"
import { suites, type Suite } from "../containerd/Releases.ts"
import { obtain, type Image } from "./Images.ts"
import { boot, type BootOptions, type SystemdHost } from "./SystemdHost.ts"

/** The host of the tests in a block; there once the tests run. */
export type HostOf = () => SystemdHost

/** Describes `title` once for each suite, on a host that is booted for it and thrown away after it. */
export const onHosts = async (
  title: string,
  body: (host: HostOf, image: Image) => void,
  options: BootOptions & { readonly suites?: ReadonlyArray<Suite> } = {},
): Promise<void> => {
  for (const suite of options.suites ?? suites) {
    const image = await obtain(suite)
    if ("notRun" in image) {
      console.error(`\ne2e: NOT RUN: ${title}, on a host of ${suite}: ${image.notRun}\n`)
      notRun(`${title}, on a host of ${suite}`, image.notRun)
      continue
    }
    describe(`${title}, on a host of ${suite}`, () => {
      let host: SystemdHost | undefined
      beforeAll(async () => {
        host = await boot(image, options)
        console.error(`e2e: booted ${suite} with containerd ${host.containerd.version}`)
      })
      afterAll(() => host?.[Symbol.asyncDispose]())
      body(() => host!, image)
    })
  }
}
