package play_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/client/replica/sqlite"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
)

// stores are the two kinds of store that every story is played on.
func stores(t *testing.T) map[string]func(play.Options) play.Options {
	t.Helper()
	if mongotest.Asked() {
		return map[string]func(play.Options) play.Options{"mongo": func(o play.Options) play.Options {
			o.Path, o.Store, o.Identity = mongotest.Address(t), nil, nil
			return o
		}}
	}
	return map[string]func(play.Options) play.Options{
		"sqlite": func(o play.Options) play.Options {
			o.Path, o.Store, o.Identity = filepath.Join(t.TempDir(), "play.db"), nil, nil
			return o
		},
		"poor": func(o play.Options) play.Options {
			o.Store, o.Identity = storefault.NewPoor(), &storefault.MemoryIdentity{}
			return o
		},
	}
}

// open starts a world that is closed at the end of the test.
func open(t testing.TB, at time.Time, o play.Options) *play.World {
	t.Helper()
	if mongotest.Asked() {
		if _, poor := o.Store.(*storefault.Poor); poor || o.Store == nil && o.Path == "" { // a store that costs no disk, or any
			o.Path, o.Store, o.Identity = mongotest.Address(t), nil, nil
		}
	}
	if o.Path == "" && o.Store == nil {
		o.Path = filepath.Join(t.TempDir(), "play.db")
	}
	w, err := play.Open(t.Context(), at, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return w
}

// TestTheWrongAmountInEveryOrder is story A7.
func TestTheWrongAmountInEveryOrder(t *testing.T) {
	for name, on := range stores(t) {
		for _, repeat := range []int{1, 3} {
			for _, order := range play.Orders(3) {
				t.Run(fmt.Sprintf("%s, sent %d times, order %v", name, repeat, order), func(t *testing.T) {
					t.Parallel()
					w := open(t, play.AmountStart(), on(play.Options{Repeat: repeat}))
					var told strings.Builder
					got, err := w.PlayAmount(t.Context(), &play.Teller{Out: &told}, order)
					if err != nil {
						t.Fatal(err)
					}
					checkAmount(t, got)
					if t.Failed() {
						t.Log(told.String())
					}
				})
			}
		}
	}
}

func checkAmount(t *testing.T, got play.Amount) {
	t.Helper()
	if want := []domain.Rupiah{0, 1_250_000, 1_520_000}; !slices.Equal(got.Shown, want) {
		t.Errorf("screens showed %v, want only %v", got.Shown, want)
	}
	void := slices.Index(got.Counted, 0)
	if n := len(got.Counted); void < 1 || void != n-2 || got.Counted[0] != 1_250_000 || got.Counted[n-1] != 1_520_000 {
		t.Errorf("the server counted %v in turn", got.Counted)
	}
	if s := got.Settled; s.State != domain.SaleVoid || s.Counted != 0 || !s.Review {
		t.Errorf("after all have synced: %+v", s)
	}
	for wants, outcome := range map[string]string{"correct the amount": domain.Superseded, "correct the channel": domain.Superseded, "void": domain.Effective} {
		if got.Outcomes[wants] != outcome {
			t.Errorf("%s is %s, want %s", wants, got.Outcomes[wants], outcome)
		}
	}
	for who, n := range got.Notices {
		if n < 1 {
			t.Errorf("%s has %d notices N25", who, n)
		}
	}
	if want := (play.Sale{State: domain.SaleRecorded, Counted: 1_520_000, Amount: 1_520_000, Channel: "reseller"}); got.Final != want {
		t.Errorf("in the end %+v, want %+v", got.Final, want)
	}
	if !got.Alike {
		t.Error("phones and server differ in the end")
	}
}

// TestPhonesThatKeepTheirDataInAFile plays with phones on SQLite.
func TestPhonesThatKeepTheirDataInAFile(t *testing.T) {
	t.Parallel()
	folder, n := t.TempDir(), 0
	o := play.Options{Repeat: 2, Local: func(string) (replica.Local, error) {
		n++
		return sqlite.Open(t.Context(), filepath.Join(folder, fmt.Sprintf("phone-%d.db", n)))
	}}
	o.Store, o.Identity = storefault.NewPoor(), &storefault.MemoryIdentity{}
	w := open(t, play.AmountStart(), o)
	got, err := w.PlayAmount(t.Context(), &play.Teller{}, []int{1, 2, 0})
	if err != nil {
		t.Fatal(err)
	}
	checkAmount(t, got)
	month, err := w.PlayMonth(t.Context(), &play.Teller{})
	if err != nil || !month.Alike || !month.TotalsSame || month.Waiting != 0 {
		t.Errorf("the month: %+v, %v", month, err)
	}
}
