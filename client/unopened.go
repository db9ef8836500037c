package client

import (
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

// in is what Open put together. Other languages can make a Phone without it: such
// a one has a database that fails, so that every call does what it does after any
// other failure of the file.
func (p *Phone) in() *parts {
	if p.opened != nil {
		return p.opened
	}
	in := &parts{lang: message.ID, clock: stopped{}}
	_ = in.put(unopened{}, &Options{}) // it fails as everything else will
	return in
}

// errNotOpen is the error of a Phone that Open did not make.
func errNotOpen() error {
	return &fault.Error{Kind: fault.Invalid, Code: "phone_not_open", Text: "a Phone comes from Open"}
}

// unopened is a database that is not there.
type unopened struct{}

// View implements replica.Local.
func (unopened) View(func(replica.Reader) error) error { return errNotOpen() }

// Update implements replica.Local.
func (unopened) Update(func(replica.Writer) error) error { return errNotOpen() }

// Close implements replica.Local.
func (unopened) Close() error { return errNotOpen() }

// stopped is a clock that stands at its beginning.
type stopped struct{}

// WallMillis implements Clock.
func (stopped) WallMillis() int64 { return 0 }

// ElapsedMillis implements Clock.
func (stopped) ElapsedMillis() int64 { return 0 }

// Boot implements Clock.
func (stopped) Boot() string { return "" }
