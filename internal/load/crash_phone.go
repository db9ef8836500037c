package load

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// handset is a phone with the real client, its file, and a process that is killed now
// and then. What the process wrote to its output was on the phone's disk before.
type handset struct {
	file   string
	market *market
	town   *town

	cmd  *exec.Cmd
	read sync.WaitGroup
	mu   sync.Mutex
	said map[string]kept // by the name of the edit, what the phone's process has said to be kept
}

// kept is an edit that lay on the disk of a phone.
type kept struct {
	collection, id string
	amount         int64
}

// give makes the phone's file, with a session in it.
func (h *handset) give(ctx context.Context, u *user) error {
	c, db, err := opened(ctx, h.file, h.town.address)
	if err != nil {
		return err
	}
	h.said = map[string]kept{}
	return errors.Join(c.Become(replica.Identity{User: u.login.User.ID, Device: u.login.Device, Incarnation: u.login.Incarnation}),
		c.KeepSession(replica.Session{Access: u.login.Access, Refresh: u.login.Refresh}), db.Close())
}

// start runs the phone's process.
func (h *handset) start(ctx context.Context) error {
	h.cmd = exec.CommandContext(ctx, h.town.program, "load", "phone", "-file", h.file, "-server", h.town.address, "-scope", h.market.scope, "-product", h.market.product)
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := h.cmd.Start(); err != nil {
		return fmt.Errorf("start a phone: %w", err)
	}
	h.read.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var k kept
			var name string
			if _, err := fmt.Sscanf(lines.Text(), "kept %s %s %s %d", &name, &k.collection, &k.id, &k.amount); err == nil {
				h.mu.Lock()
				h.said[name] = k
				h.mu.Unlock()
			}
		}
	})
	return nil
}

// kill ends the process as the system of a phone does: without a word.
func (h *handset) kill() error {
	if h.cmd == nil {
		return nil
	}
	if err := h.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("a phone has ended by itself: %w", err)
	}
	h.read.Wait()
	if err := h.cmd.Wait(); h.cmd.ProcessState.Exited() {
		return fmt.Errorf("a phone has ended by itself: %w", err)
	}
	h.cmd = nil
	return nil
}

// PhonePlan is what the process of a phone needs to know.
type PhonePlan struct{ File, Server, Scope, Product string }

// Phone is the life of one phone: it sells, changes a price that others change too, and
// syncs, until it is killed. It tells on out what is kept.
func Phone(ctx context.Context, p PhonePlan, out io.Writer) error {
	c, db, err := opened(ctx, p.File, p.Server)
	if err != nil {
		return err
	}
	box, err := c.Outbox()
	if err != nil {
		return err
	}
	for _, k := range box { // its process may have died before it said so
		if err := say(out, k); err != nil {
			return err
		}
	}
	for round := 0; ctx.Err() == nil; round++ {
		now := clock.System{}.Now()
		for range 1 + round%3 {
			if err := keep(c, out, replica.Edit{Scope: p.Scope, Collection: "sales", Set: map[string]merge.Value{"sold_on": merge.Str(now.Format("2006-01-02")), "channel": merge.Str("store"),
				"payment": merge.Str("cash"), "granularity": merge.Str("single"), "amount_idr": merge.Num(1000 + now.UnixMilli()%100_000)}}); err != nil {
				return fmt.Errorf("keep a sale: %w", err)
			}
		}
		if _, ok, err := c.Row(p.Scope, "product", p.Product); err != nil {
			return err
		} else if ok && round%2 == 0 {
			if err := keep(c, out, replica.Edit{Scope: p.Scope, Collection: "product", ID: p.Product, Set: map[string]merge.Value{"price_idr": merge.Num(1000 + now.UnixMilli()%100_000)}}); err != nil {
				return fmt.Errorf("change a price: %w", err)
			}
		}
		if err := c.Sync(ctx); err != nil {
			pause(ctx, 100*time.Millisecond)
		}
		pause(ctx, 20*time.Millisecond)
	}
	return db.Close()
}

// keep makes an edit, and says so when it is on disk.
func keep(c *replica.Client, out io.Writer, e replica.Edit) error {
	if _, err := c.Do(e); err != nil {
		return err
	}
	k, ok, err := c.Last()
	if err != nil || !ok {
		return fmt.Errorf("an edit that was kept is not there: %w", err)
	}
	return say(out, k)
}

// say tells that an edit is kept.
func say(out io.Writer, k replica.Kept) error {
	_, err := fmt.Fprintf(out, "kept %s %s %s %d\n", merge.MutationName(k.Device, k.Incarnation, k.Mutation.N), k.Mutation.Collection, k.Mutation.ID, amountOf(k.Mutation))
	return err
}

// amountOf is what a sale brought; of anything else 0.
func amountOf(m merge.Mutation) (amount int64) {
	if text, ok := m.Set["amount_idr"]; ok {
		if err := json.Unmarshal(text, &amount); err != nil {
			return -1 // no sale has that
		}
	}
	return amount
}

// phoneClock is the clock of every phone. None of them boots.
type phoneClock struct{}

// Read implements replica.Clock.
func (phoneClock) Read() (wall, mono int64, boot string) {
	now := clock.System{}.Now().UnixMilli()
	return now, now, "boot"
}

func idsOfPhones() id.Maker { return id.Maker{Clock: clock.System{}, Rand: rand.Reader} }

// patient waits as long for an answer as a phone does.
func patient() *http.Client { return &http.Client{Timeout: time.Minute} }
