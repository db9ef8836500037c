package protocol

import "github.com/lumbung-ikm/lumbung/sync/merge"

// News says that a scope has something that a phone may lack. It carries no
// data: the phone syncs.
type News struct {
	Scope      string    `json:"scope"`
	Generation string    `json:"generation,omitempty"`
	Seq        merge.Seq `json:"seq,omitempty"`  // the newest commit
	Gone       bool      `json:"gone,omitempty"` // the reader may not see it (any more): the next sync purges it
}

// Hello is the first event of a live stream.
type Hello struct {
	Now       string `json:"now"`
	Heartbeat int    `json:"heartbeat_s"` // a stream that is silent for longer is broken
}

// Bye is the last event of a live stream that the server ends.
type Bye struct {
	Reason string `json:"reason"`   // a code
	Retry  int64  `json:"retry_ms"` // when to come back
}

// Waited is the answer to a long poll that something ended.
type Waited struct {
	Now  string `json:"now"`
	News []News `json:"news"`
}
