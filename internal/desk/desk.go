// Package desk is what an admin does from a command line: import, publish and announce. It
// is a client of the public API like any other, so that rights, fresh factors, the second
// person and the audit trail hold for it as they do for an app (decision 0060).
package desk

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/message"
)

// Streams are what a command talks to.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Version  string // of the program
}

// Usage says that a command line was not understood; nothing was done.
type Usage struct{ Text string }

func (u Usage) Error() string { return u.Text }

// desk is one command at work.
type desk struct {
	Streams
	lang    message.Lang
	session string // path of the file that keeps who is logged in
	yes     bool   // go on without being asked
	web     *http.Client
	ids     id.Maker
	clock   clock.Clock
}

// answerWithin is how long a whole request may take: longer than a server works on one.
const answerWithin = 90 * time.Second

// Action is one action of an admin at a server.
type Action string

// The actions.
const (
	Login    Action = "login"
	Logout   Action = "logout"
	Import   Action = "import"
	Job      Action = "job"
	Publish  Action = "publish"
	Announce Action = "announce"
)

// Actions lists them, in the order of the help.
func Actions() []Action { return []Action{Login, Logout, Import, Job, Publish, Announce} }

// Run does one action.
//
// Errors: Usage; *Failure, in the language of whoever asks, with the status of the program.
func Run(ctx context.Context, action Action, args []string, s Streams) error {
	pipe := http.DefaultTransport.(*http.Transport).Clone()
	defer pipe.CloseIdleConnections()
	d := &desk{Streams: s, lang: spoken(s.Getenv), clock: clock.System{}, ids: id.Maker{Clock: clock.System{}, Rand: rand.Reader},
		web: &http.Client{Timeout: answerWithin, Transport: pipe, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	do := map[Action]func(context.Context, []string) error{Login: d.login, Logout: d.logout, Import: d.importList, Job: d.job, Publish: d.publish, Announce: d.announce}[action]
	if do == nil {
		return Usage{"there is no action " + string(action)}
	}
	return d.told(ctx, do(ctx, args))
}

// spoken is the language that the environment asks for; Indonesian unless it is English.
func spoken(getenv func(string) string) message.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if tag, _, _ := strings.Cut(strings.ToLower(v), "_"); tag == string(message.EN) {
				return message.EN
			}
			return message.ID
		}
	}
	return message.ID
}

// set are the options that every action has.
func (d *desk) set(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard) // the error says what is wrong
	f.StringVar(&d.session, "session", "", "")
	f.Func("lang", "", func(v string) error {
		if d.lang = message.Lang(v); !slices.Contains([]message.Lang{message.ID, message.EN}, d.lang) {
			return errors.New("want id or en")
		}
		return nil
	})
	return f
}

// parsed reads options and words in any order; there must be as many words as are named.
func (d *desk) parsed(f *flag.FlagSet, args []string, named ...string) (rest []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, Usage{f.Name() + ": " + err.Error()}
		}
		if f.NArg() == 0 {
			break
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
	if len(rest) != len(named) {
		return nil, Usage{fmt.Sprintf("%s wants %s, not %q", f.Name(), strings.Join(append([]string{"options"}, named...), " and "), rest)}
	}
	if d.session == "" {
		folder, err := os.UserConfigDir()
		if err != nil {
			return nil, Usage{"no folder for settings is known, name a file with --session: " + err.Error()}
		}
		d.session = filepath.Join(folder, "lumbung", "admin.json")
	}
	return rest, nil
}

// params fill a phrase.
type params = map[string]any

// phrase is a phrase in the language of whoever asks. What fills it may have been written
// by anybody, so nothing of it moves the cursor of a terminal.
func (d *desk) phrase(name string, p params) string {
	shown := params{}
	for k, v := range p {
		shown[k] = printable(fmt.Sprint(v))
	}
	return message.Phrase(name, d.lang, shown)
}

// say writes a phrase on a line of its own.
func (d *desk) say(name string, p params) { fmt.Fprintln(d.Out, d.phrase(name, p)) }

// heading is the first line of a table, whose columns are parted by tabs.
func (d *desk) heading(name string) string { return message.Phrase(name, d.lang, nil) }
