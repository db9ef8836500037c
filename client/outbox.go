package client

import (
	"encoding/json"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// UnsentCount is how many edits wait for the server.
func (p *Phone) UnsentCount() (int, error) {
	waiting, err := p.in().inner.Unsent()
	return len(waiting), p.fault(err)
}

// unsent is one edit that waits.
type unsent struct {
	Scope      string   `json:"scope"`
	Collection string   `json:"collection"`
	ID         string   `json:"id"`
	Op         merge.Op `json:"op"`
	At         string   `json:"at"` // by the wall clock of the phone
}

// Unsent lists the edits that wait for the server, oldest first: a JSON list of
// scope, collection, id, op and the time by the phone's clock.
func (p *Phone) Unsent() (string, error) {
	waiting, err := p.in().inner.Unsent()
	out := make([]unsent, 0, len(waiting))
	for _, u := range waiting {
		out = append(out, unsent{u.Scope, u.Collection, u.ID, u.Op, merge.FormatInstant(u.Made)})
	}
	return p.json(out, err)
}

// refused is one edit that the server did not take.
type refused struct {
	Scope      string          `json:"scope"`
	Collection string          `json:"collection"`
	ID         string          `json:"id"`
	Code       string          `json:"code"`
	Field      string          `json:"field,omitempty"`
	Title      string          `json:"title"`
	Detail     string          `json:"detail,omitempty"`
	Waits      bool            `json:"waits"`
	Mutation   json.RawMessage `json:"mutation"`
}

// Refused lists the edits that the server did not take, oldest first: a JSON
// list of scope, collection, id, code, field, title and detail in the language
// of the app, mutation (the edit, whole), and waits, which is true for one that
// the phone makes once more by itself when a restored server has caught up.
func (p *Phone) Refused() (string, error) {
	all, err := p.in().inner.Refused()
	out := make([]refused, 0, len(all))
	for _, r := range all {
		s := message.Text(r.Code, p.in().lang, map[string]any{"field": r.Field})
		out = append(out, refused{r.Scope, r.Collection, r.ID, r.Code, r.Field, s.Title, s.Detail, r.Waits, r.Mutation})
	}
	return p.json(out, err)
}

// conflict is a value that lost against a concurrent one.
type conflict struct {
	ID         string      `json:"id"` // of the journal record, for Restore
	Collection string      `json:"collection"`
	Record     string      `json:"record"`
	Field      string      `json:"field"`
	Lost       merge.Value `json:"lost,omitempty"`
	LostBy     string      `json:"lost_by"`
	LostAt     string      `json:"lost_at"`
	Kept       merge.Value `json:"kept,omitempty"`
	KeptBy     string      `json:"kept_by"`
	KeptAt     string      `json:"kept_at"`
	Mine       bool        `json:"mine"`       // the user typed what lost
	Restorable bool        `json:"restorable"` // Restore can bring it back
}

// Conflicts lists what lost in a scope and has not come back since: a JSON list
// of id, collection, record, field, the value that lost and the one that was
// kept, with who typed them and when, mine and restorable.
func (p *Phone) Conflicts(scope string) (string, error) {
	journal, err := p.in().inner.Rows(scope, "journal")
	out := []conflict{}
	for _, r := range journal {
		if string(r.Fields["returned"]) == "true" || r.Text("restored_by") != "" {
			continue
		}
		_, restore := replica.RestoreEdit(p.in().inner.Schema, scope, r)
		out = append(out, conflict{r.ID, r.Text("collection"), r.Text("record"), r.Text("field"), r.Fields["lost"], r.Text("lost_by"), r.Text("lost_at"),
			r.Fields["kept"], r.Text("kept_by"), r.Text("kept_at"), r.Text("lost_by") == p.in().inner.Me().User, restore == nil})
	}
	return p.json(out, err)
}

// Restore brings a value back that lost: an edit like any other, made from the
// journal record of Conflicts.
//
// Errors: "record_unknown" for a journal record that is not on the phone;
// "immutable_field" for what no edit can change.
func (p *Phone) Restore(scope, journalID string) error {
	r, ok, err := p.in().inner.Row(scope, "journal", journalID)
	if err == nil && !ok {
		err = &fault.Error{Kind: fault.Invalid, Code: "record_unknown", Field: "id"}
	}
	var e replica.Edit
	if err == nil {
		e, err = replica.RestoreEdit(p.in().inner.Schema, scope, r)
	}
	if err == nil {
		_, err = p.in().inner.Do(e)
	}
	return p.fault(err)
}
