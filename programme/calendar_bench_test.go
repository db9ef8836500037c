package programme_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// BenchmarkLook is a look at ten businesses with 540 sales entries each, as those of a
// campaign have at its end, at an hour that is theirs and at one that is not.
func BenchmarkLook(b *testing.B) {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "l.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	at := clock.At(moment("2022-06-16T03:00Z"))
	ids := id.Maker{Clock: at, Rand: rand.Reader}
	a := &auth.Service{Store: db.Identity(), Clock: at, IDs: ids, Rand: rand.Reader, Pepper: make([]byte, 32), Limits: auth.DefaultLimits(), Log: slog.New(slog.DiscardHandler)}
	s := &programme.Service{Engine: &syncer.Engine{Store: db, Schema: domain.MustCatalogue(), Clock: at, IDs: ids, Log: slog.New(slog.DiscardHandler)}, People: a, Clock: at}
	for n := range 10 {
		u, err := a.CreateUser(b.Context(), fmt.Sprintf("+62811700%04d", n), nil)
		if err != nil {
			b.Fatal(err)
		}
		made, err := s.CreateBusiness(b.Context(), programme.Caller{User: u.ID, Name: fmt.Sprint("rest.", n)}, programme.NewBusiness{ID: ids.New(), Name: "Rajut Metro", RegionCode: "18.71", PrimaryCategory: "crafts"})
		if err != nil {
			b.Fatal(err)
		}
		for range 6 {
			var writes []merge.ServerWrite
			for range 90 {
				set := fieldsOf("sold_on", "2022-06-16", "channel", "store", "payment", "cash", "granularity", "single")
				set["amount_idr"] = merge.Num(25_000)
				writes = append(writes, merge.ServerWrite{Name: "rest." + ids.New(), Author: u.ID, Role: merge.Owner, Collection: "sales", ID: ids.New(), Op: merge.Put, Create: true, Set: set})
			}
			if _, err := s.Engine.Write(b.Context(), made.Scope, writes...); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, hours := range map[string][2]string{"8:00": {"2022-06-17T00:59Z", "2022-06-17T01:00Z"}, "19:00": {"2022-06-17T11:59Z", "2022-06-17T12:00Z"}, "another hour": {"2022-06-17T02:00Z", "2022-06-17T09:00Z"}} {
		b.Run(name, func(b *testing.B) {
			at.Set(moment(hours[1]))
			for b.Loop() {
				if _, err := s.RemindSince(b.Context(), moment(hours[0])); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
