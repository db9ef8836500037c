package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"reflect"
	"time"
)

// errand is a request that must be done once. Its key lies in a file under the name of what
// is asked for, by whom, where and of which version (but for what makes a version of its own), until its answer has arrived: the same command again is
// the same request.
type errand struct {
	path     string
	Key      string    `json:"key"`
	Began    time.Time `json:"began"`
	Tag      string    `json:"tag,omitempty"`      // of the version that it is about
	Job      string    `json:"job,omitempty"`      // that the server began for it
	Accepted int       `json:"accepted,omitempty"` // rows of an import
	Refused  int       `json:"refused,omitempty"`
}

// errandLife is how long a server keeps the answer to a key. An older errand is one that
// nobody went on with; it is begun anew.
const errandLife = 24 * time.Hour

// errand finds the errand of a request, or begins it. known says that there was one.
func (d *desk) errand(ctx context.Context, r request) (e errand, known bool, err error) {
	s, err := d.load()
	if err != nil {
		return e, false, err
	}
	sum, tag := sha256.New(), r.tag
	if r.any {
		tag = ""
	}
	for _, part := range [][]byte{[]byte(s.Server), []byte(s.User), []byte(r.method), []byte(r.path), []byte(tag), r.body} {
		one := sha256.Sum256(part)
		sum.Write(one[:])
	}
	e.path = filepath.Join(d.session+".errands", hex.EncodeToString(sum.Sum(nil)[:16])+".json")
	err = d.locked(ctx, func() error { // two commands at once are on one errand
		now := d.clock.Now()
		if bad := read(e.path, &e); bad == nil && e.Key != "" && now.Sub(e.Began) < errandLife {
			known = true
			return nil
		}
		e = errand{path: e.path, Key: d.ids.New(), Began: now, Tag: r.tag}
		return nil
	})
	return e, known, err
}

// note keeps how far an errand is.
func (e errand) note() error { return keep(e.path, e) }

// done forgets an errand.
func (e errand) done() error { return forget(e.path) }

// once makes a request that must be done once, and forgets the errand when it is known
// what became of it. Where the answer is the stored one of an earlier request, time has gone by: now
// reads what is there, to be shown instead, and reports whether it is still what the request
// made. If not, somebody has taken it back since, and the errand begins anew. out points to what takes the answer.
func (d *desk) once(ctx context.Context, r request, out any, now func() (bool, error)) error {
	for again := false; ; again = true {
		reflect.ValueOf(out).Elem().SetZero() // an old answer would shine through what the next one leaves out
		replayed, err := d.sendOnce(ctx, r, out)
		if err != nil || !replayed {
			return err
		}
		if stands, err := now(); err != nil || stands || again {
			return err
		}
	}
}

// sendOnce is once without a look at what an old answer is worth.
func (d *desk) sendOnce(ctx context.Context, r request, out any) (replayed bool, err error) {
	e, _, err := d.errand(ctx, r)
	if err != nil {
		return false, err
	}
	if err := e.note(); err != nil {
		return false, err
	}
	r.key, r.replayed = e.Key, &replayed
	if r.any {
		r.tag = e.Tag
	}
	if err = d.send(ctx, r, out); err == nil || definite(err) {
		if bad := e.done(); bad != nil && err == nil {
			return replayed, bad
		}
	}
	return replayed, err
}
