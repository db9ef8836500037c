// Package wire holds the messages of the REST operations, generated from
// openapi.yaml. Those of sync are written by hand in package protocol; see
// docs/decisions/0003-sync-messages.md.
package wire

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi.yaml ../../openapi.yaml
