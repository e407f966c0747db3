/** Answers: what does every Linux node have, whatever Kubernetes runs on it? */
import { directory, file, type HostEntry, link, program } from "../HostEntry.ts"
import type { HostFlavour } from "../HostFlavour.ts"

const osRelease = `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION="13 (trixie)"
VERSION_CODENAME=trixie
ID=debian
HOME_URL="https://www.debian.org/"
`

const modules = `# Read at boot by systemd-modules-load.
overlay
br_netfilter
kvm
vhost_vsock
vhost_net
`

const sysctl = `# Pods reach each other through the node.
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
`

/** What does not depend on the distribution. */
export const base = (flavour: HostFlavour): ReadonlyArray<HostEntry> => [
  directory("/usr/bin"),
  directory("/usr/sbin"),
  directory("/usr/lib"),
  directory("/usr/local/bin"),
  directory("/usr/local/sbin"),
  link("/bin", "usr/bin"),
  link("/sbin", "usr/sbin"),
  link("/lib", "usr/lib"),
  directory("/boot"),
  directory("/dev"),
  directory("/proc", 0o555),
  directory("/sys", 0o555),
  directory("/root", 0o700),
  directory("/tmp", 0o1777),
  directory("/opt"),
  directory("/run"),
  directory("/run/lock", 0o1777),
  directory("/var/lib"),
  link("/var/run", "/run"),
  file("/usr/lib/os-release", osRelease),
  link("/etc/os-release", "../usr/lib/os-release"),
  file("/etc/machine-id", "4d1f0c2b7e6a4d5e9b8a3c2f1e0d9c8b\n", 0o444),
  file("/etc/hostname", `try-${flavour.distribution}-1\n`),
  file("/etc/modules-load.d/kubernetes.conf", modules),
  file("/etc/sysctl.d/90-kubernetes.conf", sysctl),
  directory("/etc/systemd/system"),
  program("/usr/bin/sh"),
  program("/usr/bin/mount"),
  program("/usr/bin/systemctl"),
  program("/usr/sbin/modprobe"),
  directory("/opt/cni/bin"),
  program("/opt/cni/bin/loopback"),
  directory("/var/lib/kubelet", 0o700),
]
