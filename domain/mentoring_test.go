package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// queue plays the effects on the mentors' queue, each commit's after the one
// before, and lists the kinds that wait.
func (s *scene) queue() (open []string) {
	items := map[string]map[string]merge.Value{}
	for _, e := range s.Effects {
		if e.Collection != "queue_item" {
			continue
		}
		if !e.Mirror || !strings.HasPrefix(e.Scope, "mentoring/") {
			s.t.Fatalf("%+v", e)
		}
		if items[e.ID] == nil {
			items[e.ID] = map[string]merge.Value{}
		}
		for name, v := range e.Set {
			items[e.ID][name] = v
		}
	}
	for _, set := range items {
		if merge.Null(set["closed_at"]) {
			if merge.Null(set["since"]) || set["since"] == nil {
				s.t.Errorf("%s does not say since when", set["kind"])
			}
			open = append(open, merge.AsString(set["kind"]))
		}
	}
	slices.Sort(open)
	return open
}

func (s *scene) waits(kinds ...string) {
	s.t.Helper()
	if got := s.queue(); !slices.Equal(got, kinds) {
		s.t.Errorf("the queue shows %q, want %q", got, kinds)
	}
}

func TestTheQueueFollowsATask(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	s.waits()
	s.must(s.act(do{"owner", "submit", ""}, "a"))
	s.waits(domain.QueueTaskSubmitted)
	s.must(s.edit(s.mentor, "task", key("k"), texts("title", "Label baru")))
	s.waits(domain.QueueTaskSubmitted)
	s.must(s.act(do{"mentor", "return", "a"}, "b"))
	s.waits()
	s.must(s.act(do{"owner", "block", "b"}, "c"))
	s.waits(domain.QueueTaskBlocked)
	s.must(s.act(do{"mentor", "unblock", "c"}, "d"))
	s.waits()
	s.must(s.act(do{"owner", "submit", "d"}, "e"))
	s.must(s.act(do{"mentor", "verify", "e"}, "f"))
	s.waits()
}

func TestTheQueueShowsWhatAMentorBlockedToNobody(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	s.must(s.act(do{"mentor", "block", ""}, "a"))
	s.waits()
	s.must(s.act(do{"owner", "unblock", "a"}, "b"))
	s.waits()
}

func TestTheQueueShowsProposals(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginOwnerRequest)
	s.waits(domain.QueueTaskProposed)
	s.must(s.act(do{"mentor", "accept", ""}, "a"))
	s.waits()
}

func TestTheQueueWantsASecondOpinion(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	s.must(s.act(do{"owner", "submit", ""}, "a"))
	s.must(s.act(do{"mentor", "return", "a"}, "b"))
	s.must(s.act(do{"mentor b", "verify", "a"}, "c"))
	s.waits(domain.QueueSecondOpinion)
}

// TestMentorsWindowsAreMirrored: only the start and the end of a window and its
// person are said again, and only when they change.
func TestMentorsWindowsAreMirrored(t *testing.T) {
	s := newScene(t)
	var last merge.Effect
	mirrored := func() (n int) {
		for _, e := range s.Effects {
			if e.Collection == "mentor_window" {
				last = e
				n++
			}
		}
		return n
	}
	before := mirrored()
	s.write("assignment", key("window mentor"), map[string]merge.Value{"lead": merge.Flag(true)})
	if n := mirrored(); n != before || before != 2 {
		t.Errorf("%d windows, then %d", before, n)
	}
	s.write("assignment", key("window mentor"), map[string]merge.Value{"to_at": s.now.Value()})
	if mirrored() != before+1 || last.ID != key("window mentor") || merge.AsString(last.Set["to_at"]) == "" || last.Scope != "mentoring/"+key("b") {
		t.Errorf("%+v", last)
	}
	if id.Valid(last.ID) && merge.Null(last.Set["mentor_id"]) {
		t.Error("a window of nobody")
	}
}

func TestTheQueueFollowsACase(t *testing.T) {
	s := newScene(t)
	newCase(s, "pirt")
	s.waits(domain.QueueCaseProposed)
	k, _ := domain.CaseKindOf("pirt")
	doc := k.Documents[0].Code
	s.must(s.doCase("pirt", did{who: "mentor", op: "approve"}, "a"))
	s.waits()
	s.must(s.doCase("pirt", did{who: "owner", op: "give " + doc + " f1", seen: "a"}, "b"))
	s.waits(domain.QueueCaseDocument)
	s.must(s.doCase("pirt", did{who: "mentor", op: "accept " + doc + " f1", seen: "b"}, "c"))
	s.waits()
	funded := newScene(t)
	newCase(funded, "haccp")
	funded.waits() // an admin decides, not a mentor
}
