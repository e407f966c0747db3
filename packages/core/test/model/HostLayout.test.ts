import { assert, describe, it } from "@effect/vitest"
import { HostLayout, HostPath } from "@kata-deploy/core"

const at = HostPath.make

describe("HostLayout", () => {
  it("a whole root lies below its directory", () => {
    const layout = HostLayout.wholeRoot("/mnt/host")
    assert.strictEqual(HostLayout.toSeen(layout, at("/")), "/mnt/host")
    assert.strictEqual(HostLayout.toSeen(layout, at("/etc/f")), "/mnt/host/etc/f")
  })

  it("the machine's own root changes nothing", () => {
    const layout = HostLayout.wholeRoot("/")
    for (const path of ["/", "/etc", "/etc/f"]) assert.strictEqual(HostLayout.toSeen(layout, at(path)), path)
  })

  const k3s = HostLayout.pod({
    containerdConfigDir: at("/var/lib/rancher/k3s/agent/etc/containerd"),
    installDir: at("/opt/kata-dev"),
  })

  for (const [host, seen] of [
    ["/var/lib/rancher/k3s/agent/etc/containerd/config.toml", "/etc/containerd/config.toml"],
    ["/opt/kata-dev/bin/shim", "/opt/kata-dev/bin/shim"],
    ["/etc/machine-id", "/host-machine-id"],
    ["/run/lock/kata-deploy.lock", "/host-run-lock/kata-deploy.lock"],
    ["/usr/bin/mkfs.erofs", "/host-usr/bin/mkfs.erofs"],
    ["/usr/local/sbin/x", "/host-usr-local/sbin/x"],
    ["/sbin/modprobe", "/host-sbin/modprobe"],
    ["/etc/crio/crio.conf.d/f", "/etc/crio/crio.conf.d/f"],
    ["/run/systemd/private", "/run/systemd/private"],
    ["/run/dbus/system_bus_socket", "/run/dbus/system_bus_socket"],
    ["/boot/config-6.1", "/boot/config-6.1"],
    ["/sys/class/misc/kvm", "/sys/class/misc/kvm"],
    ["/sys/fs/selinux/enforce", "/sys/fs/selinux/enforce"],
    ["/run/k3s/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock"],
    ["/var/lib/rancher/k3s/agent/containerd/f", "/var/lib/rancher/k3s/agent/containerd/f"],
    ["/var/lib/containerd", "/var/lib/containerd"],
    ["/run/crio/crio.sock", "/run/crio/crio.sock"],
    ["/run/k3s/other", undefined],
    ["/dev/kvm", undefined],
    ["/proc/1", undefined],
    ["/etc/containerd/config.toml", undefined],
    ["/opt/kata/bin/shim", undefined],
    ["/opt/kata-development", undefined],
    ["/var/lib/rancher", undefined],
    ["/usr/bin-other", undefined],
    ["/", undefined],
  ] as const) {
    it(`on k3s the pod sees ${host} at ${seen ?? "no place"}`, () => {
      assert.strictEqual(HostLayout.toSeen(k3s, at(host)), seen)
    })
  }

  it("what a pod shows besides is found there, and what it shows below that at its own place", () => {
    const layout = HostLayout.pod({
      containerdConfigDir: at("/var/lib/rancher/k3s/agent/etc/containerd"),
      installDir: at("/opt/kata"),
      besides: [HostLayout.varLib],
    })
    assert.strictEqual(HostLayout.toSeen(layout, at("/var/lib/nydus")), "/host-var-lib/nydus")
    assert.strictEqual(
      HostLayout.toSeen(layout, at("/var/lib/rancher/k3s/agent/etc/containerd/f")),
      "/etc/containerd/f",
    )
  })

  it("an install directory below another mount is found at its own place", () => {
    const layout = HostLayout.pod({
      containerdConfigDir: at("/etc/containerd"),
      installDir: at("/usr/local/bin/kata"),
    })
    assert.strictEqual(HostLayout.toSeen(layout, at("/usr/local/bin/kata/x")), "/usr/local/bin/kata/x")
    assert.strictEqual(HostLayout.toSeen(layout, at("/usr/local/bin/x")), "/host-usr-local/bin/x")
  })
})
