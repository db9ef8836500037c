package replica

import (
	"fmt"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// read looks at an answer before any of it is believed, and gives its rows. An
// answer with one part that no server makes is not the server's: keeping the
// rest would move the cursor over what was left out.
//
// Errors: Transient "answer_unreadable".
func (c *Client) read(resp *protocol.Response) ([]storedRow, error) {
	if resp == nil {
		return nil, unreadable("", nil)
	}
	for scope, s := range resp.Scopes {
		var g merge.Generation
		if err := g.UnmarshalText([]byte(s.Generation)); err != nil || g.Zero() || !named(scope) || s.Seq > merge.MaxInt {
			return nil, unreadable("scopes."+scope, err)
		}
	}
	for field, scopes := range map[string][]string{"purge": resp.Purge, "reset": resp.Reset, "granted": resp.Granted} {
		if !named(scopes...) {
			return nil, unreadable(field, nil)
		}
	}
	rows := make([]storedRow, len(resp.Changes))
	for i := range resp.Changes {
		r := &resp.Changes[i]
		at := fmt.Sprintf("changes[%d]", i)
		if _, ok := resp.Scopes[r.Scope]; !ok || !named(r.Collection, r.ID) || r.Version > merge.MaxInt {
			return nil, unreadable(at, nil)
		}
		rows[i] = storedRow{Version: r.Version, Deleted: r.Deleted}
		if r.Deleted {
			continue
		}
		if err := jsonv2.Unmarshal(r.Fields, &rows[i].Fields); err != nil || rows[i].Fields == nil {
			return nil, unreadable(at+".fields", err)
		}
		if parent, ok := c.parentOf(r.Collection, rows[i]); ok && strings.Contains(parent, separator) {
			return nil, unreadable(at+".fields", nil)
		}
	}
	return rows, nil
}

// parentOf is the record that an operation acts on; ok is false if rows of the
// collection are none.
func (c *Client) parentOf(collection string, row storedRow) (parent string, ok bool) {
	col, ok := c.Schema.Collection(collection)
	if !ok || col.Parent == "" {
		return "", false
	}
	return merge.AsString(row.Fields[col.ParentField]), true
}

// named reports whether names can be parts of a local key.
func named(names ...string) bool {
	for _, n := range names {
		if n == "" || strings.Contains(n, separator) {
			return false
		}
	}
	return true
}

// unreadable is the error of an answer that is JSON, and none that a server makes.
func unreadable(field string, cause error) error {
	return &fault.Error{Kind: fault.Transient, Code: "answer_unreadable", Field: field, Text: "the answer is not the server's", Cause: cause}
}
