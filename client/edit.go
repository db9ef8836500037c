package client

import (
	"encoding/json"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Save keeps a new record, or new values of fields of one that is there, and
// gives its id. recordID is empty for a new record. fields is a JSON object with
// those fields only that the person touched; null clears one. It is on disk, and
// in what Row and Rows give, when Save returns.
//
// An operation, such as a task event or a correction of a sale, is a new record
// of its collection; what its author had seen is added by itself.
//
// Errors: "login_required", "unknown_collection", "unknown_field" (with a field
// that the catalogue does not know), "invalid_value" (no JSON object),
// "record_unknown" (not on this phone). Every other rule is the server's: an
// edit that breaks one ends among Refused.
func (p *Phone) Save(scope, collection, recordID, fields string) (string, error) {
	var set map[string]merge.Value
	if err := json.Unmarshal([]byte(fields), &set); err != nil || set == nil {
		return "", p.invalid("fields", err)
	}
	return p.keep(replica.Edit{Scope: scope, Collection: collection, ID: recordID, Set: set})
}

// edit is the JSON of Change.
type edit struct {
	Set    map[string]merge.Value `json:"set"`
	Add    map[string][]string    `json:"add"`
	Remove map[string][]string    `json:"remove"`
}

// Change is Save for records with sets: edit is a JSON object with "set" (as in
// Save), "add" and "remove" (per field a list of elements). With the id of a
// record that is not there it makes one under that id.
func (p *Phone) Change(scope, collection, recordID, change string) (string, error) {
	var e edit
	if err := json.Unmarshal([]byte(change), &e); err != nil {
		return "", p.invalid("change", err)
	}
	return p.keep(replica.Edit{Scope: scope, Collection: collection, ID: recordID, Set: e.Set, Add: e.Add, Remove: e.Remove})
}

// Delete deletes a record of a collection that allows it.
func (p *Phone) Delete(scope, collection, recordID string) error {
	_, err := p.keep(replica.Edit{Scope: scope, Collection: collection, ID: recordID, Op: merge.Delete})
	return err
}

// Undelete brings a deleted record back.
func (p *Phone) Undelete(scope, collection, recordID string) error {
	_, err := p.keep(replica.Edit{Scope: scope, Collection: collection, ID: recordID, Op: merge.Undelete})
	return err
}

// keep checks names, which are this app's own mistakes, and keeps the edit.
func (p *Phone) keep(e replica.Edit) (string, error) {
	col, ok := p.in().inner.Schema.Collection(e.Collection)
	if !ok {
		return "", p.fault(&fault.Error{Kind: fault.Invalid, Code: "unknown_collection", Field: "collection"})
	}
	for name := range e.Set {
		if _, ok := col.Field(name); !ok {
			return "", p.fault(&fault.Error{Kind: fault.Invalid, Code: "unknown_field", Field: "set." + name})
		}
	}
	id, err := p.in().inner.Do(e)
	return id, p.fault(err)
}

func (p *Phone) invalid(field string, cause error) error {
	return p.fault(&fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: field, Text: "not the JSON that is wanted", Cause: cause})
}
