// Package protocol holds the messages of the sync protocol, as both sides read
// and write them. openapi.yaml describes the same shapes for everybody else,
// and tests hold the two together.
package protocol

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Request is what a phone sends.
type Request struct {
	App        string   `json:"app,omitempty"`         // version of the app
	Schema     int      `json:"schema,omitempty"`      // version of the catalogue that the app reads; 0: 1
	Cursor     string   `json:"cursor,omitempty"`      // of the last applied answer; empty: from the start
	LimitBytes int      `json:"limit_bytes,omitempty"` // wanted page size; the server may send less
	Clock      Reading  `json:"clock"`
	Outbox     *Outbox  `json:"outbox,omitempty"`
	Push       []Part   `json:"push,omitempty"`
	Reset      []string `json:"reset,omitempty"`  // scopes whose hash did not match
	Backup     uint64   `json:"backup,omitempty"` // newest complete backup that the phone knows of
}

// Reading is what the phone's clocks show as it sends.
type Reading struct {
	Wall string `json:"wall"`    // RFC 3339
	Mono int64  `json:"mono_ms"` // since boot
	Boot string `json:"boot"`
}

// Outbox is how much the phone has not sent yet.
type Outbox struct {
	Oldest string `json:"oldest,omitempty"` // RFC 3339
	Count  int    `json:"count"`
}

// Part is what one incarnation sends for one scope.
type Part struct {
	Scope       string            `json:"scope"`
	Device      string            `json:"device"`
	Incarnation string            `json:"incarnation"`
	Generation  string            `json:"generation"` // of the phone's rows of that scope
	Mutations   []json.RawMessage `json:"mutations"`
}

// Response is what the server answers. With nothing new it holds now and
// poll_after_s only.
type Response struct {
	Now      string    `json:"now"`
	Verdicts []Verdict `json:"verdicts,omitempty"`
	Purge    []string  `json:"purge,omitempty"`
	Reset    []string  `json:"reset,omitempty"`
	// Fresh says that the request's cursor could not be read: the phone keeps
	// nothing but the scopes in Granted, and those arrive anew.
	Fresh   bool             `json:"fresh,omitempty"`
	Granted []string         `json:"granted,omitempty"`
	Changes []Row            `json:"changes,omitempty"`
	Scopes  map[string]Scope `json:"scopes,omitempty"` // where this answer's rows bring each scope
	Cursor  string           `json:"cursor,omitempty"`
	More    bool             `json:"more,omitempty"`
	PollIn  int              `json:"poll_after_s"`
	Backup  *BackupMark      `json:"backup,omitempty"`
	Upgrade *Upgrade         `json:"upgrade,omitempty"`
}

// Scope says where the rows of an answer bring one scope.
type Scope struct {
	Generation string    `json:"generation"`
	Seq        merge.Seq `json:"seq"`            // the cut the rows belong to
	Hash       string    `json:"hash,omitempty"` // additive hash over live records; only when the cut is complete
}

// BackupMark says which backups surely hold what.
type BackupMark struct {
	Epoch uint64 `json:"epoch"` // the verdicts of this answer are in every backup above this number
	Done  uint64 `json:"done"`  // the newest complete backup
}

// Upgrade tells an app that it is too old to read.
type Upgrade struct {
	Min string `json:"min"`
}

// Verdict is the answer to one mutation.
type Verdict struct {
	Scope       string        `json:"scope"`
	Device      string        `json:"device"`
	Incarnation string        `json:"incarnation"`
	N           uint64        `json:"n,omitempty"`     // absent if it could not be read
	Index       *int          `json:"index,omitempty"` // place in the part, if n could not be read
	Verdict     merge.Outcome `json:"verdict"`
	Seq         merge.Seq     `json:"seq,omitempty"`
	Repeated    bool          `json:"repeated,omitempty"`
	Lost        []string      `json:"lost,omitempty"`
	Ignored     []string      `json:"ignored,omitempty"`
	Journal     []string      `json:"journal,omitempty"`
	Code        string        `json:"code,omitempty"`
	Field       string        `json:"field,omitempty"`
	Message     *Message      `json:"message,omitempty"`
	Quarantine  string        `json:"quarantine,omitempty"`
	Record      *Row          `json:"record,omitempty"`
}

// Message is a sentence for people, in two languages.
type Message struct {
	ID string `json:"id"`
	EN string `json:"en"`
}

// Row is a changed record, always whole.
type Row struct {
	Scope      string          `json:"scope"`
	Collection string          `json:"collection"`
	ID         string          `json:"id"`
	Version    merge.Seq       `json:"version"`
	Fields     json.RawMessage `json:"fields,omitempty"`
	Deleted    bool            `json:"deleted,omitempty"`
}

// FormatHash writes an additive hash as 16 hexadecimal digits.
func FormatHash(sum uint64) string {
	s := strconv.FormatUint(sum, 16)
	return strings.Repeat("0", 16-len(s)) + s
}
