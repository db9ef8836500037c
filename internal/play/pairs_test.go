package play_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// duo is a business with everybody who can cross anybody: an owner with two
// phones, staff, two mentors and an admin at a desk.
type duo struct {
	*scene
	a, b, desk *play.Phone // mentor A, who leads; mentor B; the admin
	record     string      // the task or the case
	second     string      // another one
	tag        string      // of the record, as the admin's screen has it
	survivor   string      // scope that the business is merged into
	kept       []string    // files that the story comes back to
	files      int
}

// act is something that reaches the server: edits that were kept before anything
// arrived, or what is done online at that moment.
type act struct {
	name   string
	keep   func(d *duo) // on the phone, before anything arrives; may be nil
	arrive func(d *duo) // nil: the phone syncs
	by     func(d *duo) *play.Phone
}

// pair is one row of a table of concurrent pairs.
type pair struct {
	name   string
	before func(d *duo) // what everybody has seen
	acts   []act
	orders [][]int // nil: every order of the acts
	check  func(d *duo, order []int)
}

func setDuo(t *testing.T, on func(play.Options) play.Options, repeat int) *duo {
	t.Helper()
	d := &duo{scene: set(t, func(o *play.Options) {
		o.Store, o.Identity, o.Repeat = nil, nil, repeat
		*o = on(*o)
	})}
	d.desk = d.enter(d.w.Person("Bu Ratna"), "desk")
	d.a, d.b = d.enter(d.w.Person("Pak Hendra"), "mentor A"), d.enter(d.w.Person("Bu Sinta"), "mentor B")
	_, err := d.w.Assign(t.Context(), d.desk, d.business(), d.a.Who)
	d.ok(err)
	_, err = d.w.AssignFor(t.Context(), d.desk, d.business(), d.b.Who, "quality")
	d.ok(err)
	d.everybody()
	return d
}

func (d *duo) business() string { return strings.TrimPrefix(d.scope, "business/") }

// everybody syncs, twice, so that all have seen all.
func (d *duo) everybody() {
	d.Helper()
	for range 2 {
		d.sync(d.owner, d.tablet, d.staff, d.a, d.b)
	}
}

// photo keeps a file on a phone.
func (d *duo) photo(p *play.Phone) string {
	d.Helper()
	d.files++
	sum := sha256.Sum256(fmt.Append(nil, d.files))
	return d.write(p, "attachment", "", map[string]any{"sha256": hex.EncodeToString(sum[:]), "bytes": 1000, "mime": "image/jpeg"})
}

// seen is a record as the admin read it.
type seenRecord struct {
	Etag   string                     `json:"etag"`
	Fields map[string]json.RawMessage `json:"fields"`
}

func (d *duo) read(collection, id string) (r seenRecord) {
	d.Helper()
	d.ok(d.desk.Send(d.Context(), http.MethodGet, "/v1/businesses/"+d.business()+"/records/"+collection+"/"+id, "", nil, &r))
	return r
}

// decide lets the admin operate on what an older screen showed, and look again if
// something has happened since. The code of the last refusal comes back.
func (d *duo) decide(path, collection, id, tag string, body map[string]any) string {
	d.Helper()
	for range 2 {
		err := d.desk.Send(d.Context(), http.MethodPost, "/v1/businesses/"+d.business()+"/"+path+"/"+id+"/events", tag, body, nil)
		if err == nil {
			return ""
		}
		if code := fault.CodeOf(err); code != "stale_version" {
			return code
		}
		tag = d.read(collection, id).Etag
	}
	d.Error("the admin never gets through")
	return ""
}

// told counts notices of a kind about a record on a phone.
func (d *duo) told(p *play.Phone, kind string) int {
	d.Helper()
	n, err := p.Notices(kind)
	d.ok(err)
	return n
}

// reviews counts what waits for the admins, by kind.
func (d *duo) reviews(what string) (n int) {
	d.Helper()
	var queue struct {
		Reviews []struct {
			Fields map[string]json.RawMessage `json:"fields"`
		} `json:"reviews"`
	}
	d.ok(d.desk.Send(d.Context(), http.MethodGet, "/v1/reviews", "", nil, &queue))
	for _, r := range queue.Reviews {
		if merge.AsString(r.Fields["what"]) == what {
			n++
		}
	}
	return n
}

// events gives the operations that the server holds, by "<author's phone> <op>".
func (d *duo) events(collection string) map[string]merge.Row {
	d.Helper()
	rows, err := d.w.Rows(d.Context(), d.scope, collection)
	d.ok(err)
	names := map[string]string{}
	for _, p := range []*play.Phone{d.owner, d.tablet, d.staff, d.a, d.b} {
		names[p.Me().Device] = p.Name
	}
	out := map[string]merge.Row{}
	for _, r := range rows {
		name := names[r.Text("created_device")]
		if name == "" {
			name = "desk"
		}
		name += " " + r.Text("op")
		for out[name].ID != "" {
			name += " again"
		}
		out[name] = r
	}
	return out
}

// came reports whether act x arrived before act y.
func came(order []int, x, y int) bool { return slices.Index(order, x) < slices.Index(order, y) }

// playPairs plays every row in every order of arrival, on both stores, each
// request sent once and three times.
func playPairs(t *testing.T, rows []pair) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			orders := row.orders
			if orders == nil {
				orders = play.Orders(len(row.acts))
			}
			for name, on := range stores(t) {
				for n, order := range orders {
					var names []string
					for _, i := range order {
						names = append(names, row.acts[i].name)
					}
					t.Run(name+", first "+strings.Join(names, ", then "), func(t *testing.T) {
						t.Parallel()
						d := setDuo(t, on, 1+2*(n%2))
						row.play(d, order)
					})
				}
			}
		})
	}
}

func (row pair) play(d *duo, order []int) {
	d.Helper()
	if row.before != nil {
		row.before(d)
	}
	for _, a := range row.acts {
		if a.keep != nil {
			a.keep(d)
			d.w.Clock.Advance(time.Minute)
		}
	}
	for _, i := range order {
		if a := row.acts[i]; a.arrive != nil {
			a.arrive(d)
			d.ok(d.w.Step(d.Context()))
		} else {
			d.sync(a.by(d))
		}
		d.w.Clock.Advance(time.Minute)
	}
	d.everybody()
	row.check(d, order)
}

// phones of the acts.
func owner(d *duo) *play.Phone   { return d.owner }
func tablet(d *duo) *play.Phone  { return d.tablet }
func mentorA(d *duo) *play.Phone { return d.a }
func mentorB(d *duo) *play.Phone { return d.b }
