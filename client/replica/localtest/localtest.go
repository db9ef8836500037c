// Package localtest holds what every database of a phone promises, as one suite
// of tests that each of them must pass.
package localtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/client/replica"
)

// promise is one thing that a Local must keep.
type promise struct {
	name  string
	check func(t *testing.T, l replica.Local)
}

// Run checks every promise against fresh databases from open.
func Run(t *testing.T, open func(t *testing.T) replica.Local) {
	for _, p := range promises() {
		t.Run(p.name, func(t *testing.T) {
			l := open(t)
			t.Cleanup(func() {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
			p.check(t, l)
		})
	}
}

func promises() []promise {
	return []promise{
		{"nothing is nil", nothing},
		{"what was put is there, under its bucket and key", put},
		{"a scan is in order, and no wider than its prefix", scan},
		{"a scan ends when it is told", scanEnds},
		{"a scan may read", scanReads},
		{"an update sees itself", seesItself},
		{"an error undoes everything", undoes},
		{"a panic undoes everything", panics},
		{"values are copies", copies},
		{"updates come one after the other", serial},
		{"a view sees whole updates", whole},
		{"any history gives what a map gives", model},
	}
}

func update(t *testing.T, l replica.Local, do func(replica.Writer)) {
	t.Helper()
	if err := l.Update(func(w replica.Writer) error { do(w); return nil }); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, l replica.Local, do func(replica.Reader)) {
	t.Helper()
	if err := l.View(func(r replica.Reader) error { do(r); return nil }); err != nil {
		t.Fatal(err)
	}
}

// keys lists what a scan visits.
func keys(r replica.Reader, bucket, prefix string) []string {
	out := []string{}
	r.Scan(bucket, prefix, func(k string, v []byte) bool {
		out = append(out, k+"="+string(v))
		return true
	})
	return out
}

func nothing(t *testing.T, l replica.Local) {
	view(t, l, func(r replica.Reader) {
		if v := r.Get("b", "k"); v != nil {
			t.Errorf("got %q", v)
		}
		if all := keys(r, "b", ""); len(all) != 0 {
			t.Errorf("scanned %q", all)
		}
	})
	update(t, l, func(w replica.Writer) { w.Delete("b", "k") })
}

func put(t *testing.T, l replica.Local) {
	update(t, l, func(w replica.Writer) {
		w.Put("a", "k", []byte("1"))
		w.Put("b", "k", []byte("2"))
		w.Put("b", "k", []byte("3"))
		w.Put("b", "", []byte("no key"))
		w.Put("b", "empty", []byte{})
		w.Put("b", "gone", []byte("x"))
		w.Delete("b", "gone")
		w.Put("b", "\x00 %_'\"\\é\xff", bytes.Repeat([]byte{0, 255}, 100_000))
	})
	view(t, l, func(r replica.Reader) {
		for _, tt := range []struct{ bucket, key, want string }{{"a", "k", "1"}, {"b", "k", "3"}, {"b", "", "no key"}, {"b", "\x00 %_'\"\\é\xff", strings.Repeat("\x00\xff", 100_000)}} {
			if got := r.Get(tt.bucket, tt.key); string(got) != tt.want {
				t.Errorf("%s/%q is %.40q", tt.bucket, tt.key, got)
			}
		}
		if v := r.Get("b", "empty"); v == nil || len(v) != 0 {
			t.Errorf("what is empty is %v", v)
		}
		if r.Get("b", "gone") != nil || r.Get("", "k") != nil {
			t.Error("something that is not there")
		}
	})
}

func scan(t *testing.T, l replica.Local) {
	all := []string{"", "a", "a|", "a|1", "a|10", "a|2", "a|é", "a|\xff", "a}", "a%", "a_", "b", "\xff", "\xff\xff", "\xff\xffx"}
	update(t, l, func(w replica.Writer) {
		for _, k := range slices.Backward(all) {
			w.Put("b", k, []byte("v"))
			w.Put("c", k+"other", []byte("v"))
		}
	})
	view(t, l, func(r replica.Reader) {
		for _, prefix := range append(slices.Clone(all), "a|1000", "zz") {
			want := []string{}
			for _, k := range slices.Sorted(slices.Values(all)) {
				if strings.HasPrefix(k, prefix) {
					want = append(want, k+"=v")
				}
			}
			if got := keys(r, "b", prefix); !slices.Equal(got, want) {
				t.Errorf("prefix %q: %q, want %q", prefix, got, want)
			}
		}
	})
}

func scanEnds(t *testing.T, l replica.Local) {
	update(t, l, func(w replica.Writer) {
		for n := range 1000 {
			w.Put("b", fmt.Sprintf("%04d", n), []byte{1})
		}
	})
	view(t, l, func(r replica.Reader) {
		for _, most := range []int{1, 255, 256, 257, 600, 1000, 2000} {
			n := 0
			r.Scan("b", "", func(string, []byte) bool { n++; return n < most })
			if n != min(most, 1000) {
				t.Errorf("visited %d, want %d", n, min(most, 1000))
			}
		}
	})
}

func scanReads(t *testing.T, l replica.Local) {
	update(t, l, func(w replica.Writer) {
		for n := range 500 {
			w.Put("b", fmt.Sprintf("%04d", n), []byte("v"))
		}
		n := 0
		w.Scan("b", "", func(k string, _ []byte) bool {
			if string(w.Get("b", k)) == "v" && len(keys(w, "b", k)) == 1 {
				n++
			}
			return true
		})
		if n != 500 {
			t.Errorf("read %d of 500 in a scan", n)
		}
	})
}

func seesItself(t *testing.T, l replica.Local) {
	update(t, l, func(w replica.Writer) { w.Put("b", "old", []byte("1")) })
	update(t, l, func(w replica.Writer) {
		w.Put("b", "new", []byte("2"))
		w.Delete("b", "old")
		if got := keys(w, "b", ""); !slices.Equal(got, []string{"new=2"}) {
			t.Errorf("an update sees %q", got)
		}
		if w.Get("b", "old") != nil || string(w.Get("b", "new")) != "2" {
			t.Error("an update does not see what it did")
		}
	})
}

// errStop is an error of whoever updates.
var errStop = errors.New("stop")

func undoes(t *testing.T, l replica.Local) {
	update(t, l, func(w replica.Writer) {
		w.Put("b", "kept", []byte("1"))
		w.Put("b", "also", []byte("2"))
	})
	err := l.Update(func(w replica.Writer) error {
		w.Put("b", "kept", []byte("9"))
		w.Put("b", "kept", []byte("8"))
		w.Delete("b", "also")
		w.Put("b", "new", []byte("7"))
		w.Put("fresh", "new", []byte("7"))
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Errorf("the error is %v", err)
	}
	asBefore(t, l)
	if err := l.View(func(replica.Reader) error { return errStop }); !errors.Is(err, errStop) {
		t.Errorf("the error of a view is %v", err)
	}
}

func panics(t *testing.T, l replica.Local) {
	update(t, l, func(w replica.Writer) {
		w.Put("b", "kept", []byte("1"))
		w.Put("b", "also", []byte("2"))
	})
	func() {
		defer func() {
			if p := recover(); p != "broken" {
				t.Errorf("recovered %v", p)
			}
		}()
		err := l.Update(func(w replica.Writer) error {
			w.Put("b", "kept", []byte("9"))
			w.Delete("b", "also")
			panic("broken")
		})
		t.Errorf("an update that panicked returned %v", err)
	}()
	asBefore(t, l)
}

func asBefore(t *testing.T, l replica.Local) {
	t.Helper()
	view(t, l, func(r replica.Reader) {
		if got := keys(r, "b", ""); !slices.Equal(got, []string{"also=2", "kept=1"}) || r.Get("fresh", "new") != nil {
			t.Errorf("not undone: %q", got)
		}
	})
	update(t, l, func(w replica.Writer) { w.Put("b", "kept", []byte("1")) }) // it still works
}

func copies(t *testing.T, l replica.Local) {
	v := []byte("before")
	update(t, l, func(w replica.Writer) {
		w.Put("b", "k", v)
		copy(v, "xxxxxx")
	})
	copy(v, "yyyyyy")
	view(t, l, func(r replica.Reader) {
		if got := r.Get("b", "k"); string(got) != "before" {
			t.Errorf("got %q", got)
		}
	})
}

func serial(t *testing.T, l replica.Local) {
	const people, times = 8, 20
	var all sync.WaitGroup
	for range people {
		all.Go(func() {
			for range times {
				err := l.Update(func(w replica.Writer) error {
					w.Put("b", "n", append(bytes.Clone(w.Get("b", "n")), 'x'))
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	view(t, l, func(r replica.Reader) {
		if n := len(r.Get("b", "n")); n != people*times {
			t.Errorf("%d of %d updates are left", n, people*times)
		}
	})
}

func whole(t *testing.T, l replica.Local) {
	var all sync.WaitGroup
	all.Go(func() {
		for n := range 50 {
			err := l.Update(func(w replica.Writer) error {
				for k := range 5 {
					w.Put("b", fmt.Sprint(k), fmt.Append(nil, n))
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		all.Go(func() {
			for range 100 {
				err := l.View(func(r replica.Reader) error {
					first := string(r.Get("b", "0"))
					for _, kv := range keys(r, "b", "") {
						if _, v, _ := strings.Cut(kv, "="); v != first {
							t.Errorf("half an update: %q beside %q", v, first)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// model compares with a map under updates that are kept and given up.
func model(t *testing.T, l replica.Local) {
	names := rapid.SampledFrom([]string{"", "a", "a|", "a|b", "b", "\xff", "é|x"})
	rapid.Check(t, func(rt *rapid.T) {
		update(t, l, func(w replica.Writer) {
			for _, kv := range keys(w, "m", "") {
				k, _, _ := strings.Cut(kv, "=")
				w.Delete("m", k)
			}
		})
		want := map[string]string{}
		for range rapid.IntRange(1, 4).Draw(rt, "updates") {
			next := maps.Clone(want)
			stop := rapid.Bool().Draw(rt, "stop")
			err := l.Update(func(w replica.Writer) error {
				for range rapid.IntRange(0, 5).Draw(rt, "writes") {
					k := names.Draw(rt, "key")
					if rapid.Bool().Draw(rt, "delete") {
						w.Delete("m", k)
						delete(next, k)
						continue
					}
					v := rapid.StringN(0, 3, 12).Draw(rt, "value")
					w.Put("m", k, []byte(v))
					next[k] = v
				}
				if stop {
					return errStop
				}
				return nil
			})
			if stop != (err != nil) {
				rt.Fatalf("stop %t gave %v", stop, err)
			}
			if !stop {
				want = next
			}
			list := []string{}
			for _, k := range slices.Sorted(maps.Keys(want)) {
				list = append(list, k+"="+want[k])
			}
			view(t, l, func(r replica.Reader) {
				if got := keys(r, "m", ""); !slices.Equal(got, list) {
					rt.Fatalf("got %q, want %q", got, list)
				}
			})
		}
	})
}
