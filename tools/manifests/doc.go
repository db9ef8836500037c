// Package manifests holds docker-compose.yml and the manifests for Kubernetes
// against the types that read them. It is a module of its own, so that the program
// carries none of that.
package manifests
