package store

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Every commit is encoded once and every edit stands in one, so the parts that grow
// with it are written by hand, as encoding/json would; the rest is left to that.

// encodeBody writes the body of a commit.
func (c *Commit) encodeBody() (json.RawMessage, error) {
	e := encoder{b: make([]byte, 0, 512+c.size())}
	e.raw(`{"lines":`)
	if c.Lines == nil {
		e.raw("null")
	} else {
		list(&e, c.Lines, e.line)
	}
	if len(c.Records) > 0 {
		e.raw(`,"records":`)
		list(&e, c.Records, e.record)
	}
	if len(c.Pages) > 0 {
		e.raw(`,"pages":`)
		list(&e, c.Pages, e.page)
	}
	if len(c.Access) > 0 {
		e.raw(`,"access":`)
		e.any(c.Access)
	}
	e.raw(`,"sum":"`)
	e.b = strconv.AppendUint(e.b, c.Sum, 10)
	e.raw(`"`)
	if len(c.Effects) > 0 {
		e.raw(`,"effects":`)
		e.any(c.Effects)
	}
	if c.MovedTo != "" {
		e.raw(`,"moved_to":`)
		e.text(c.MovedTo)
	}
	if len(c.Todo) > 0 {
		e.raw(`,"todo":`)
		e.any(c.Todo)
	}
	if c.Before != 0 {
		e.raw(`,"before":`)
		e.uint(uint64(c.Before))
	}
	e.raw(`}`)
	return e.b, e.err
}

// size is about how long the body is.
func (c *Commit) size() (n int) {
	for i := range c.Records {
		n += len(c.Records[i].Fields) + len(c.Records[i].State) + 150
	}
	return n + 200*len(c.Lines) + 3000*len(c.Pages)
}

// encoder appends JSON; the first thing that does not encode stops it.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) raw(s string) { e.b = append(e.b, s...) }

func (e *encoder) uint(n uint64) { e.b = strconv.AppendUint(e.b, n, 10) }

func (e *encoder) text(s string) { e.b = merge.AppendText(e.b, s) }

// value writes what is JSON already.
func (e *encoder) value(v json.RawMessage) {
	if v == nil {
		e.raw("null")
		return
	}
	e.b = append(e.b, v...)
}

func (e *encoder) any(v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it would rewrite "<" inside of values
	if err := enc.Encode(v); err != nil {
		if e.err == nil {
			e.err = err
		}
		return
	}
	e.b = append(e.b, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

func list[T any](e *encoder, all []T, one func(*T)) {
	e.raw("[")
	for i := range all {
		if i > 0 {
			e.raw(",")
		}
		one(&all[i])
	}
	e.raw("]")
}

func (e *encoder) line(l *merge.Line) {
	e.raw(`{"m":`)
	e.text(l.Mutation)
	e.raw(`,"a":`)
	e.text(l.Author)
	e.raw(`,"h":"` + l.Hash.String() + `","s":`)
	e.b = strconv.AppendInt(e.b, int64(l.Stamp), 10)
	e.raw(`,"v":`)
	if v := l.Verdict; v.Code+v.Field+v.Quarantine == "" && len(v.Lost)+len(v.Ignored)+len(v.Journal) == 0 {
		e.raw(`{"o":`)
		e.text(string(v.Outcome))
		e.raw(`}`)
	} else {
		e.any(v)
	}
	e.raw(`}`)
}

func (e *encoder) record(r *Record) {
	e.raw(`{"c":`)
	e.text(r.Collection)
	e.raw(`,"i":`)
	e.text(r.ID)
	e.raw(`,"v":`)
	e.uint(uint64(r.Version))
	if r.Deleted {
		e.raw(`,"d":true`)
	}
	e.raw(`,"f":`)
	e.value(r.Fields)
	e.raw(`,"s":`)
	e.value(r.State)
	if len(r.Tags) > 0 {
		e.raw(`,"t":`)
		list(e, r.Tags, func(t *string) { e.text(*t) })
	}
	e.raw(`}`)
}

func (e *encoder) page(p *merge.Page) {
	e.raw(`{"About":`)
	e.text(p.About)
	e.raw(`,"Device":`)
	e.text(p.Device)
	e.raw(`,"Incarnation":`)
	e.text(p.Incarnation)
	e.raw(`,"Page":`)
	e.uint(uint64(p.Page))
	e.raw(`,"Version":`)
	e.uint(uint64(p.Version))
	e.raw(`,"Entries":`)
	b, err := p.Entries.MarshalJSON()
	if err != nil && e.err == nil {
		e.err = err
	}
	e.b = append(e.b, b...)
	e.raw(`}`)
}
