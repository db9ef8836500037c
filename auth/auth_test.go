package auth_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/store"
)

// house is a service with a clock that stands still and an inbox for codes.
type house struct {
	*auth.Service
	clock  *clock.Fixed
	box    *inbox
	events *events
}

const (
	phone = "+628117000001"
	day   = 24 * time.Hour
)

func start() time.Time { return time.Date(2022, 5, 5, 2, 11, 9, 0, time.UTC) }

func newHouse() house { return houseOn(&storefault.MemoryIdentity{}, clock.At(start())) }

// houseOn is one process on a store; several may share it.
func houseOn(s store.Identity, at *clock.Fixed) house {
	h := house{clock: at, box: &inbox{}, events: &events{}}
	h.Service = &auth.Service{
		Store: s, Clock: at, IDs: id.Maker{Clock: at, Rand: rand.Reader}, Rand: rand.Reader, Sender: h.box,
		Pepper: []byte(strings.Repeat("p", 32)), Issuer: "https://lumbung.test", Audience: "lumbung",
		Limits: auth.DefaultLimits(), Log: slog.New(slog.DiscardHandler), OnEvent: h.events.note,
	}
	h.Limits.Argon = auth.Argon{Memory: 64, Passes: 1, Threads: 1} // what is tested is not how long it takes
	return h
}

// inbox keeps the last code of each challenge.
type inbox struct {
	mu   sync.Mutex
	got  []auth.Message
	fail error
}

func (b *inbox) Send(_ context.Context, m auth.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, m)
	return b.fail
}

func (b *inbox) code(challenge string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.got {
		if m.Key == challenge {
			return m.Code
		}
	}
	return ""
}

func (b *inbox) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.got)
}

type events struct {
	mu  sync.Mutex
	got []auth.Event
}

func (e *events) note(_ context.Context, x auth.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, x)
}

func (e *events) count(k auth.EventKind) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, x := range e.got {
		if x.Kind == k {
			n++
		}
	}
	return n
}

func device(n int) auth.DeviceInfo {
	return auth.DeviceInfo{Install: fmt.Sprintf("0190aaaa-0000-4000-8000-%012d", n), Platform: "android", Model: "A03", OSVersion: "13", AppVersion: "1.4.2"}
}

func addr(n int) netip.Addr { return netip.AddrFrom4([4]byte{103, 10, byte(n >> 8), byte(n)}) }

// ask requests a code and has it delivered.
func (h house) ask(t testing.TB, phone string, install int) auth.Challenge {
	t.Helper()
	c, err := h.RequestCode(t.Context(), auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin, Install: device(install).Install})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (h house) try(t testing.TB, phone string, c auth.Challenge, code string, install int) (auth.Login, error) {
	return h.Verify(t.Context(), auth.VerifyRequest{Challenge: c.ID, Phone: phone, Code: code, Device: device(install)})
}

// login logs a phone in, waiting as long as the cool-down wants.
func (h house) login(t testing.TB, phone string, install int) auth.Login {
	t.Helper()
	c := h.ask(t, phone, install)
	l, err := h.try(t, phone, c, h.box.code(c.ID), install)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(5 * time.Minute)
	return l
}

// wrong is a code that is not the right one.
func wrong(right string) string {
	if right == "000000" {
		return "000001"
	}
	return "000000"
}

func wantCode(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.CodeOf(err) != code || err == nil {
		t.Errorf("error %v (kind %d), want %q (kind %d)", err, fault.KindOf(err), code, kind)
	}
	if !message.Known(code) {
		t.Errorf("code %q has no sentence", code)
	}
}

func wantKeepOutbox(t *testing.T, err error) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Info["keep_outbox"] != true {
		t.Errorf("error %v does not say that the outbox is kept", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parallel(n int, call func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { call(i) })
	}
	all.Wait()
}
