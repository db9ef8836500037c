package client

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// row is a record on the screen.
type row struct {
	Scope      string                 `json:"scope"`
	Collection string                 `json:"collection"`
	ID         string                 `json:"id"`
	Version    merge.Seq              `json:"version"` // 0: the server has not had it
	Status     replica.Status         `json:"status"`
	Fields     map[string]merge.Value `json:"fields"`
}

// Row gives a record as its user sees it, own edits that wait included: a JSON
// object with scope, collection, id, version, status and fields, or "" if it is
// not on the phone. status is "sent", "pending" (an edit of the record or an
// operation on it waits for the server) or "attention" (one was refused, or lost
// against somebody else's).
func (p *Phone) Row(scope, collection, recordID string) (string, error) {
	r, ok, err := p.in().inner.Row(scope, collection, recordID)
	if err != nil || !ok {
		return "", p.fault(err)
	}
	status, err := p.in().inner.Status(scope, collection, recordID)
	if err != nil {
		return "", p.fault(err)
	}
	return p.json(row{scope, collection, recordID, r.Version, status, r.Fields}, nil)
}

// Rows gives every live record of a collection of a scope, as Row gives one, in
// a JSON list ordered by id, which is by the time they were made.
func (p *Phone) Rows(scope, collection string) (string, error) {
	found, err := p.in().inner.Rows(scope, collection)
	if err != nil {
		return "", p.fault(err)
	}
	rows, err := p.rows(scope, found)
	return p.json(rows, err)
}

// RowsAfter is Rows a page at a time: at most limit records behind the id after,
// which is empty for the first page.
func (p *Phone) RowsAfter(scope, collection, after string, limit int) (string, error) {
	found, err := p.in().inner.Rows(scope, collection)
	if err != nil {
		return "", p.fault(err)
	}
	found = slices.DeleteFunc(found, func(r merge.Row) bool { return r.ID <= after })
	rows, err := p.rows(scope, found[:min(len(found), max(limit, 0))])
	return p.json(rows, err)
}

func (p *Phone) rows(scope string, found []merge.Row) ([]row, error) {
	statuses, err := p.in().inner.Statuses(scope)
	out := make([]row, 0, len(found))
	for _, r := range found {
		status, ok := statuses[r.Key]
		if !ok {
			status = replica.Sent
		}
		out = append(out, row{scope, r.Collection, r.ID, r.Version, status, r.Fields})
	}
	return out, err
}

// Due lists what is due in a business today, by its clocks, own edits that wait
// included: a JSON list, earliest first, of collection, id, step (code of a
// milestone; absent for the case itself), on (YYYY-MM-DD), days (to that day,
// negative behind it), says, and with renewal which reminder it has come to (180,
// 90 or 30 days). says is "near" (a week ahead, or less), "overdue", "late" (a task
// was submitted after its day), "renewal" (a certificate ends within half a year)
// or "expired". While a programme pauses, its tasks are not due, and behind its end what is
// left of its plan is not.
func (p *Phone) Due(scope string) (string, error) {
	rows, err := p.inBusiness(scope, "business", "enrolment", "task", "task_event", "case")
	return p.json(domain.Dues(rows, domain.BusinessDay(time.UnixMilli(p.in().clock.WallMillis()), domain.ZoneOf(rows))), err)
}

// inBusiness gives the live records of some collections of a scope.
func (p *Phone) inBusiness(scope string, collections ...string) (all []merge.Row, err error) {
	for _, c := range collections {
		rows, err := p.in().inner.Rows(scope, c)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// business is one enterprise on the phone.
type business struct {
	Scope    string   `json:"scope"`
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Zone     string   `json:"zone,omitempty"`
	Roles    []string `json:"roles"`    // of the user: owner, staff, mentor
	Complete bool     `json:"complete"` // everything has arrived at least once
}

// Businesses lists the enterprises on the phone, by name: a JSON list of scope,
// id, name, zone, roles of the user in it, and whether all of it has arrived.
func (p *Phone) Businesses() (string, error) {
	scopes, err := p.in().inner.Scopes()
	if err != nil {
		return "", p.fault(err)
	}
	out := []business{}
	for scope, complete := range scopes {
		id, ok := strings.CutPrefix(scope, "business/")
		if !ok {
			continue
		}
		b := business{Scope: scope, ID: id, Roles: []string{}, Complete: complete}
		r, _, err := p.in().inner.Row(scope, "business", id)
		if err != nil {
			return "", p.fault(err)
		}
		b.Name, b.Zone = r.Text("name"), r.Text("zone")
		if b.Roles, err = p.roles(scope); err != nil {
			return "", p.fault(err)
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b business) int {
		if by := strings.Compare(a.Name, b.Name); by != 0 {
			return by
		}
		return strings.Compare(a.ID, b.ID)
	})
	return p.json(out, nil)
}

// mentor is somebody who accompanies a business, on the screen.
type mentor struct {
	ID     string `json:"id"` // of the assignment
	UserID string `json:"user_id"`
	Name   string `json:"name,omitempty"`
	Phone  string `json:"phone,omitempty"`
	Track  string `json:"track,omitempty"` // absent: all
	Lead   bool   `json:"lead"`
}

// Mentors lists who accompanies a business now, by the clock of the phone: a JSON list of id
// (of the assignment), user_id, name, phone, track (absent: all) and lead. Exactly one leads
// and stands first; the others follow as they would lead. What is to come, such as
// the end of a window or a hand-over, happens at its instant without a network too.
func (p *Phone) Mentors(scope string) (string, error) {
	rows, now, err := p.assignments(scope)
	if err != nil {
		return "", p.fault(err)
	}
	out := []mentor{}
	for in := domain.MentorWindowsOf(rows); ; {
		next, ok := domain.LeadAt(in, now)
		if !ok {
			return p.json(out, nil)
		}
		r := rows[slices.IndexFunc(rows, func(r merge.Row) bool { return r.ID == next.ID })]
		out = append(out, mentor{next.ID, next.Mentor, r.Text("name"), r.Text("phone"), next.Track, len(out) == 0})
		in = slices.DeleteFunc(in, func(w domain.MentorWindow) bool { return w.ID == next.ID })
	}
}

// TaskMentor gives the user id of who looks after a task now: whom it names, while they are
// in, else who leads; "" if nobody is in, or the task is not on the phone.
func (p *Phone) TaskMentor(scope, task string) (string, error) {
	t, ok, err := p.in().inner.Row(scope, "task", task)
	if err != nil || !ok {
		return "", p.fault(err)
	}
	rows, now, err := p.assignments(scope)
	return domain.TaskMentor(t, domain.MentorWindowsOf(rows), now), p.fault(err)
}

// assignments gives the windows of mentors in a business, and the instant of now.
func (p *Phone) assignments(scope string) ([]merge.Row, merge.Millis, error) {
	rows, err := p.in().inner.Rows(scope, "assignment")
	return rows, merge.Millis(p.in().clock.WallMillis()), err
}

// roles are what the user is in a business now, as far as the phone knows.
func (p *Phone) roles(scope string) ([]string, error) {
	me, now := p.in().inner.Me().User, merge.Millis(p.in().clock.WallMillis())
	roles := []string{}
	for _, name := range []string{"membership", "assignment"} {
		col, _ := p.in().inner.Schema.Collection(name)
		windows, err := p.in().inner.Rows(scope, name)
		if err != nil {
			return nil, err
		}
		for _, w := range windows {
			if g, ok := col.Grant(w); ok && g.User == me && g.Holds(now) && !slices.Contains(roles, string(g.Role)) {
				roles = append(roles, string(g.Role))
			}
		}
	}
	return roles, nil
}

// json writes what a call gives, unless it failed.
func (p *Phone) json(v any, err error) (string, error) {
	if err != nil {
		return "", p.fault(err)
	}
	b, err := json.Marshal(v)
	return string(b), p.fault(err)
}
