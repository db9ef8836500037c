// Package lumbung is an offline-first backend for mobile apps in the field. This
// root holds what others embed: the specification of the HTTP API.
package lumbung

import _ "embed"

// Spec is openapi.yaml, the specification of the HTTP API.
//
//go:embed openapi.yaml
var Spec []byte
