package outage_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
)

// hears is within what a phone on one process hears of a push through the other.
const hears = 3 * time.Second

// TestWhatTwoProcessesShare: who listens at one hears of what is pushed at the
// other; guesses and requests at either are charged to one budget.
func TestWhatTwoProcessesShare(t *testing.T) {
	database := mongotest.Address(t)
	w := found(t, database, 2, 0)
	both := []*process{serve(t, database), serve(t, database)}
	w.give(&crossing{to: []string{both[0].address, both[1].address}})
	w.settle()
	w.wakes(both)
	w.guesses(both)
	w.floods(both)
}

// wakes lets one listen at the first process while the other sells at the second.
func (w *town) wakes(both []*process) {
	w.Helper()
	listener, seller := w.people[1], w.people[0]
	listener.http.Client = &http.Client{Transport: &crossing{to: []string{both[0].address}}} // a stream has no end
	seller.http.Client = &http.Client{Timeout: 30 * time.Second, Transport: &crossing{to: []string{both[1].address}}}
	ctx, stop := context.WithCancel(w.Context())
	wake, ended := make(chan struct{}, 1), make(chan error, 1)
	live := &replica.Live{HTTP: listener.http}
	go func() { ended <- live.Run(ctx, wake) }()
	var slowest time.Duration
	for range 5 {
		w.ok(w.sell(seller, w.hot, 7000))
		w.ok(seller.phone.Sync(w.Context()))
		answered := time.Now()
		select {
		case <-wake:
		case <-time.After(10 * time.Second):
			w.Fatal("the other process did not hear of a push")
		}
		slowest = max(slowest, time.Since(answered))
		w.ok(listener.phone.Sync(w.Context()))
		for quiet := false; !quiet; { // what the sync itself still tells
			select {
			case <-wake:
			case <-time.After(200 * time.Millisecond):
				quiet = true
			}
		}
	}
	stop()
	w.ok(<-ended)
	if slowest > hears {
		w.Errorf("heard after %v", slowest)
	}
	w.Logf("heard of a push through the other process after %v at most", slowest.Round(time.Millisecond))
}

// guesses asks both processes in turn whether a code is right. The challenge takes
// five, at whichever.
func (w *town) guesses(both []*process) {
	w.Helper()
	stranger := func(n int) *replica.HTTP {
		p := &replica.Client{Local: &replica.Memory{}, Schema: w.schema, Clock: w, IDs: w.ids, App: "1.4.2"}
		w.ok(p.Open())
		return &replica.HTTP{Base: "http://" + both[n].address, Client: &http.Client{Timeout: 30 * time.Second}, Phone: p}
	}
	c, err := stranger(0).RequestCode(w.Context(), guessed, w.ids.New())
	w.ok(err)
	wrong := 0
	for n := range 12 {
		err := stranger(n%2).Login(w.Context(), guessed, c.ID, "000000", replica.Device{Install: w.ids.New()})
		if fault.CodeOf(err) != "code_wrong" {
			w.Logf("guess %d: %v", n+1, err)
			break
		}
		wrong++
	}
	if most := auth.DefaultLimits().CodeAttempts; wrong > most {
		w.Errorf("%d guesses, %d are allowed", wrong, most)
	}
	if err := stranger(1).Login(w.Context(), guessed, c.ID, code, replica.Device{Install: w.ids.New()}); err == nil {
		w.Error("the right code was taken after too many wrong ones")
	}
}

// floods sends one user's requests to both processes in turn.
func (w *town) floods(both []*process) {
	w.Helper()
	began := time.Now()
	most := api.DefaultLimits().PerUser
	through, sent := 0, 0
	for ; sent < 3*most.Max; sent++ {
		req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, "http://"+both[sent%2].address+"/v1/me", nil)
		w.ok(err)
		req.Header.Set("Authorization", "Bearer "+w.people[0].login.Access)
		resp, err := http.DefaultClient.Do(req)
		w.ok(err)
		w.ok(resp.Body.Close())
		if resp.StatusCode == http.StatusOK {
			through++
		}
		if sent%20 == 19 {
			pause(w.T, 200*time.Millisecond)
		}
	}
	took := time.Since(began)
	budget := most.Max + int(took.Seconds()*float64(most.Max)/most.Per.Seconds())
	between := int(4 * float64(sent) / took.Seconds()) // arrives while two settlements pass
	if allowed := budget + most.Max/4 + between; through > allowed || through < most.Max/2 {
		w.Errorf("%d of %d got through in %v, a budget of %d", through, sent, took, budget)
	}
	if through >= sent {
		w.Error("nothing was refused")
	}
	w.Logf("%d of %d requests got through in %v; one process would let %d through, two apart %d", through, sent, took.Round(time.Millisecond), budget, 2*budget)
}
