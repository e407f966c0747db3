/** Answers: how does an operator tell containerd about a registry mirror? */

/** `certs.d/docker.io/hosts.toml`: pulls of Docker Hub go to a mirror in the house first. */
export const dockerHubMirror = `# Docker Hub through the mirror in the house; straight to it when the mirror is down.
server = "https://registry-1.docker.io"

[host."https://mirror.example.org"]
  capabilities = ["pull", "resolve"]
`
