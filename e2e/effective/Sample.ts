/**
 * Which cases are tried beside the known traps? Roots and drop-ins put together at random out of what matters to
 * handlers, always the same ones, since the seed is fixed.
 */
import * as fc from "fast-check"
import { type Document, type Pair, pair, plugin } from "./Pair.ts"

const rarely = <A>(arbitrary: fc.Arbitrary<A>, oneIn: number): fc.Arbitrary<A | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: oneIn - 1 }, { arbitrary, weight: 1 })

const often = <A>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> =>
  fc.oneof({ arbitrary, weight: 3 }, { arbitrary: fc.constant(undefined), weight: 1 })

/** A document out of keys that may be absent. */
const document = (keys: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Document> =>
  fc
    .record(keys)
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)))

const handler = document({
  runtime_type: often(fc.constantFrom("io.containerd.runc.v2", "io.containerd.kata-qemu.v2")),
  runtime_path: rarely(fc.constantFrom("/opt/kata/bin/a", "/opt/kata/bin/b"), 3),
  snapshotter: rarely(fc.constantFrom("native", "nydus"), 4),
  pod_annotations: rarely(fc.constantFrom(["a"], ["b", "c"], []), 4),
  privileged_without_host_devices: rarely(fc.boolean(), 4),
  options: rarely(
    document({
      ConfigPath: rarely(fc.constantFrom("/opt/kata/q.toml", ""), 2),
      SystemdCgroup: rarely(fc.boolean(), 2),
      BinaryName: rarely(fc.constant("/usr/bin/crun"), 3),
    }),
    2,
  ),
  flavour: rarely(fc.constant("unknown"), 15),
  base_runtime_spec: rarely(fc.constant(5), 100),
})

const handlerNames = fc.constantFrom("runc", "crun", "kata-qemu", "kata-clh")

/** `runc` is there more often than not, since without it 1.x serves nothing. */
const handlers = fc
  .tuple(fc.dictionary(handlerNames, handler, { maxKeys: 3 }), often(handler))
  .map(([others, runc]) => (runc === undefined ? others : { runc, ...others }))

const defaultName = rarely(fc.constantFrom("runc", "kata-qemu", "gone"), 6)

const older = document({
  sandbox_image: rarely(fc.constant("registry.example.com/pause:3.10"), 3),
  enable_selinux: rarely(fc.constant(false), 6),
  systemd_cgroup: rarely(fc.boolean(), 25),
  containerd: often(
    document({
      snapshotter: often(fc.constant("native")),
      default_runtime_name: defaultName,
      discard_unpacked_layers: rarely(fc.boolean(), 6),
      runtimes: often(handlers),
    }),
  ),
})

const newer = document({
  enable_selinux: rarely(fc.constant(false), 6),
  containerd: often(document({ default_runtime_name: defaultName, runtimes: often(handlers) })),
})

const platforms = fc.dictionary(
  handlerNames,
  fc.record({ snapshotter: fc.constantFrom("native", "nydus") }),
  {
    maxKeys: 2,
  },
)

const images = document({
  snapshotter: rarely(fc.constant("native"), 2),
  runtime_platforms: rarely(platforms, 2),
  runtime_platform: rarely(platforms, 8),
  pinned_images: rarely(fc.constant({ sandbox: "registry.example.com/pause:3.9" }), 3),
})

const proxies = fc.dictionary(
  fc.constantFrom("nydus", "soci"),
  document({
    type: fc.oneof(
      { arbitrary: fc.constant("snapshot"), weight: 12 },
      { arbitrary: fc.constant(undefined), weight: 1 },
    ),
    address: fc.constantFrom("/run/a.sock", "/run/b.sock"),
  }),
  { maxKeys: 2 },
)

/** What may stand in any file, with the CRI in the given schemas. */
const body = (schemas: fc.Arbitrary<ReadonlyArray<1 | 2 | 3>>): fc.Arbitrary<Document> =>
  schemas.chain((chosen) =>
    document({
      debug: rarely(document({ level: fc.constantFrom("debug", "info", "warn", "", "trace") }), 3),
      disabled_plugins: rarely(
        fc.constantFrom([plugin[2]], ["io.containerd.snapshotter.v1.zfs"], [plugin[3]], [], ["cri"]),
        10,
      ),
      oom_score: rarely(fc.constantFrom(0, -999), 8),
      flavour: rarely(fc.constant("unknown"), 25),
      proxy_plugins: rarely(proxies, 5),
      plugins: document({
        [plugin[1]]: chosen.includes(1) ? older : fc.constant(undefined),
        [plugin[2]]: chosen.includes(2) ? older : fc.constant(undefined),
        [plugin[3]]: chosen.includes(3) ? newer : fc.constant(undefined),
        [plugin.images]: chosen.includes(3) ? often(images) : rarely(images, 8),
        "io.containerd.gc.v1.scheduler": rarely(fc.constant({ pause_threshold: 0.25 }), 4),
      }),
    }),
  )

const families: fc.Arbitrary<ReadonlyArray<1 | 2 | 3>> = fc.oneof(
  { arbitrary: fc.constant([]), weight: 2 },
  { arbitrary: fc.constant([1] as const), weight: 1 },
  { arbitrary: fc.constant([2] as const), weight: 6 },
  { arbitrary: fc.constant([3] as const), weight: 6 },
  { arbitrary: fc.constant([2, 3] as const), weight: 1 },
)

const version = fc.oneof(
  { arbitrary: fc.constant(2), weight: 8 },
  { arbitrary: fc.constant(3), weight: 6 },
  { arbitrary: fc.constant(undefined), weight: 2 },
  { arbitrary: fc.constantFrom(1, 4), weight: 1 },
)

const imports = fc.uniqueArray(
  fc.oneof(
    { arbitrary: fc.constant("/opt/d/*.toml"), weight: 8 },
    { arbitrary: fc.constant("conf.d/*.toml"), weight: 3 },
    { arbitrary: fc.constant("/etc/containerd/conf.d/*.toml"), weight: 3 },
    { arbitrary: fc.constant("/etc/*/conf.d/?.toml"), weight: 1 },
    { arbitrary: fc.constant("/opt/d/a.toml"), weight: 1 },
    { arbitrary: fc.constant("../../opt/d/z.toml"), weight: 1 },
  ),
  { minLength: 1, maxLength: 3 },
)

const dropInPaths = fc.constantFrom(
  "/opt/d/a.toml",
  "/opt/d/z.toml",
  "/opt/d/zz-user.toml",
  "/opt/d/.hidden.toml",
  "/opt/d/old.toml.bak",
  "/etc/containerd/conf.d/m.toml",
  "/etc/containerd/conf.d/n.toml",
)

/** Drop-ins have a version less often, and now and then import further files. */
const dropIn = fc
  .record({
    version: rarely(version, 4),
    imports: rarely(fc.constantFrom(["/opt/d/*.toml"], ["/etc/containerd/config.toml"], ["n.toml"]), 10),
    body: body(families),
  })
  .map(({ body: rest, ...head }) => ({
    ...Object.fromEntries(Object.entries(head).filter(([, value]) => value !== undefined)),
    ...rest,
  }))

const root = fc
  .record({ version, imports: often(imports), body: body(families) })
  .map(({ body: rest, imports: named, version: declared }) => ({
    ...(declared === undefined ? {} : { version: declared }),
    ...(named === undefined ? {} : { imports: named }),
    ...rest,
  }))

/** So many cases at random; the first ones are the same however many are asked for. */
export const sample = (count: number): ReadonlyArray<Pair> =>
  fc
    .sample(fc.tuple(root, fc.dictionary(dropInPaths, dropIn, { maxKeys: 3 })), {
      numRuns: count,
      seed: 20_260_823,
    })
    .map(([main, imported], at) => pair(`sample ${at + 1}`, main, imported))
