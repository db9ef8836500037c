// Package fcmfake is a push service that behaves like Firebase Cloud Messaging, on this
// machine: the HTTP v1 API with its two shapes of errors, the exchange of a service
// account's assertion for a bearer token, quotas, topics, and phones that lie in Doze, have
// no network, collapse, expire and overflow. Tests ask what a phone has seen, not what was
// called. Developers of apps start it as `lumbung fcm-fake`.
//
// What Firebase's documentation leaves open is settled here against the sender: messages
// that wait arrive in an order that is drawn, and which of five collapse keys is dropped is
// drawn too.
package fcmfake
