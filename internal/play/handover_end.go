package play

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// read reads what became of it all.
func (s *visitStory) read(ctx context.Context) error {
	if err := s.readTask(ctx); err != nil {
		return err
	}
	if err := s.readQueue(ctx); err != nil {
		return err
	}
	return s.readPhones(ctx)
}

func (s *visitStory) readTask(ctx context.Context) error {
	tasks, err := s.w.Rows(ctx, s.scope, "task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		switch t.ID {
		case s.task:
			s.out.State, s.out.Photos = t.Text("state"), len(t.Strings("evidence"))
		case s.label:
			s.out.OtherTask = t.Text("state")
		}
	}
	events, err := s.w.Rows(ctx, s.scope, "task_event")
	s.out.Events = map[string]string{}
	for _, e := range events {
		op := e.Text("op")
		if s.out.Events[op] != "" {
			op += " again"
		}
		s.out.Events[op] = e.Text("outcome")
		if e.ID == s.checkOff {
			s.out.Late = slices.Contains(e.Strings("review"), "late_handover")
		}
	}
	return err
}

// readQueue asks, as the admin, what waits for a decision.
func (s *visitStory) readQueue(ctx context.Context) error {
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	var queue struct {
		Reviews []struct {
			Fields map[string]json.RawMessage `json:"fields"`
		} `json:"reviews"`
	}
	if err := s.admin.Send(ctx, http.MethodGet, "/v1/reviews", "", nil, &queue); err != nil {
		return err
	}
	for _, r := range queue.Reviews {
		var object struct {
			Collection string `json:"collection"`
		}
		if merge.AsString(r.Fields["scope"]) == s.scope && json.Unmarshal(r.Fields["object"], &object) == nil {
			s.out.Queue = append(s.out.Queue, object.Collection)
		}
	}
	slices.Sort(s.out.Queue)
	if s.out.Late {
		s.tell.Good("The check-off of 5 May counts, marked as a late hand-over: %s, %d photos, the owner's submission %s.", s.out.State, s.out.Photos, s.out.Events["submit"])
	} else {
		s.tell.Good("The check-off of 5 May counts: %s, %d photos, the owner's submission %s.", s.out.State, s.out.Photos, s.out.Events["submit"])
	}
	s.tell.Alert("That of 7 May is refused. It waits for the admin, with its photos: %s.", strings.Join(s.out.Queue, ", "))
	return nil
}

func (s *visitStory) readPhones(ctx context.Context) error {
	refused, err := s.a.Refused()
	if err != nil {
		return err
	}
	for _, r := range refused {
		s.out.Refused = append(s.out.Refused, r.Code)
	}
	secret, err := s.a.Rows(merge.UserScope(s.mentorA.User), "quarantine")
	if err != nil {
		return err
	}
	s.out.Secret = len(secret)
	rows, err := s.a.Snapshot(s.scope)
	if err != nil {
		return err
	}
	scopes, err := s.a.Scopes()
	if err != nil {
		return err
	}
	_, there := scopes[s.scope]
	s.out.Purged = len(rows) == 0 && !there
	if s.out.Complete, err = s.b.Holds(s.scope); err != nil {
		return err
	}
	for _, p := range []*Phone{s.owner, s.a, s.b} {
		waiting, err := p.Unsent()
		if err != nil {
			return err
		}
		s.out.Waiting += len(waiting)
	}
	s.out.Alike, err = s.w.Alike(ctx, s.scope, s.owner, s.b)
	s.tell.Good("Mentor A's phone holds nothing of Panda Alami any more; mentor B's holds all of it.")
	return err
}

// screens shows the task as everybody sees it.
func (s *visitStory) screens(context.Context) error {
	table := [][]string{{"who", "Foto produk", "photos", "Label dan kemasan"}}
	for _, p := range []*Phone{s.owner, s.a, s.b} {
		line := []string{p.Name, "–", "–", "–"}
		for i, task := range map[int]string{1: s.task, 3: s.label} {
			row, ok, err := p.Row(s.scope, "task", task)
			if err != nil {
				return err
			}
			if ok {
				line[i] = row.Text("state")
			}
			if ok && i == 1 {
				line[2] = fmt.Sprint(len(row.Strings("evidence")))
			}
		}
		table = append(table, line)
	}
	s.tell.Table(table...)
	return nil
}

// Alike reports whether every phone holds exactly the server's live records of
// a scope.
func (w *World) Alike(ctx context.Context, scope string, phones ...*Phone) (bool, error) {
	want := map[string]string{}
	for _, c := range w.Schema.Collections {
		rows, err := w.Rows(ctx, scope, c.Name)
		if err != nil {
			return false, err
		}
		for _, r := range rows {
			want[r.Key.String()] = fmt.Sprint(r.Version, string(merge.Encode(r.Fields)))
		}
	}
	for _, p := range phones {
		rows, err := p.Snapshot(scope)
		if err != nil || len(rows) != len(want) {
			return false, err
		}
		for _, r := range rows {
			if want[r.Key.String()] != fmt.Sprint(r.Version, string(merge.Encode(r.Fields))) {
				return false, nil
			}
		}
	}
	return true, nil
}
