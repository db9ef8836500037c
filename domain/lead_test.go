package domain_test

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// drawWindows draws windows that touch, overlap, end where they begin and begin together.
func drawWindows(t *rapid.T) []domain.MentorWindow {
	n := rapid.IntRange(0, 6).Draw(t, "windows")
	var out []domain.MentorWindow
	for i := range n {
		w := domain.MentorWindow{ID: fmt.Sprintf("w%d", i), Mentor: rapid.SampledFrom([]string{"eko", "fitri", "gani"}).Draw(t, "mentor"),
			From: merge.Millis(rapid.IntRange(1, 8).Draw(t, "from")), Named: rapid.Bool().Draw(t, "named")}
		if rapid.Bool().Draw(t, "ends") {
			w.To = w.From + merge.Millis(rapid.IntRange(0, 6).Draw(t, "for"))
		}
		out = append(out, w)
	}
	return out
}

// TestExactlyOneLeads: at every instant exactly one window leads if any holds, and it holds;
// nobody who was not named leads beside somebody who was, and nobody who came later beside
// somebody of the same standing; the order in which windows are read says nothing; and who
// leads changes only where a window begins or ends.
func TestExactlyOneLeads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		windows := drawWindows(t)
		shuffled := slices.Clone(windows)
		rand.New(rand.NewSource(int64(rapid.Int().Draw(t, "order")))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		var last string
		for at := merge.Millis(0); at < 20; at++ {
			lead, ok := domain.LeadAt(windows, at)
			if other, same := domain.LeadAt(shuffled, at); other != lead || same != ok {
				t.Fatalf("at %d %+v leads, read otherwise %+v", at, lead, other)
			}
			in := slices.DeleteFunc(slices.Clone(windows), func(w domain.MentorWindow) bool { return !w.Holds(at) })
			if ok != (len(in) > 0) || ok && !slices.Contains(in, lead) {
				t.Fatalf("at %d %+v leads (%t) of %+v", at, lead, ok, in)
			}
			for _, w := range in {
				if w.Named && !lead.Named || w.Named == lead.Named && (w.From < lead.From || w.From == lead.From && w.ID < lead.ID) {
					t.Fatalf("at %d %+v leads beside %+v", at, lead, w)
				}
			}
			turn := slices.ContainsFunc(windows, func(w domain.MentorWindow) bool { return w.From == at || w.To == at })
			if at > 0 && lead.ID != last && !turn {
				t.Fatalf("at %d the lead goes from %q to %q", at, last, lead.ID)
			}
			last = lead.ID
		}
	})
}

func TestWhoLooksAfterATask(t *testing.T) {
	t.Parallel()
	windows := []domain.MentorWindow{{ID: "a", Mentor: "eko", From: 1, To: 10, Named: true}, {ID: "b", Mentor: "fitri", From: 2}, {ID: "c", Mentor: "gani", From: 3, To: 6}}
	for _, tt := range []struct {
		name, says string
		at         merge.Millis
		want       string
	}{
		{"nobody is named, so who leads", "", 4, "eko"},
		{"whom the task names", "gani", 4, "gani"},
		{"whom it names has gone, so who leads", "gani", 6, "eko"},
		{"who led has gone, so who was there longest", "", 10, "fitri"},
		{"nobody is in yet", "gani", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			task := merge.Row{Fields: map[string]merge.Value{}}
			if tt.says != "" {
				task.Fields["mentor_id"] = merge.Str(tt.says)
			}
			if got := domain.TaskMentor(task, windows, tt.at); got != tt.want {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestASecondOpinionIsAskedOfWhoLeads: of one mentor, whoever was named and whoever has left.
func TestASecondOpinionIsAskedOfWhoLeads(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		windows map[string]map[string]merge.Value
		want    string
	}{
		"the one who was named":                          {map[string]map[string]merge.Value{"mentor b": {"lead": merge.Flag(true)}}, "mentor b"},
		"who was named has left, so who is there":        {map[string]map[string]merge.Value{"mentor": {"lead": merge.Flag(true), "to_at": (start - 1).Value()}}, "mentor b"},
		"both were named, so the longest-serving":        {map[string]map[string]merge.Value{"mentor": {"lead": merge.Flag(true)}, "mentor b": {"lead": merge.Flag(true), "from_at": (start - 2*oneDay).Value()}}, "mentor b"},
		"nobody was named, and the first was there long": {map[string]map[string]merge.Value{"mentor": {"from_at": (start - 2*oneDay).Value()}}, "mentor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			newTask(s, domain.OriginTemplate)
			s.must(s.act(do{"owner", "submit", ""}, "a"))
			s.must(s.act(do{"mentor", "verify", "a"}, "b"))
			for who, set := range tt.windows {
				s.write("assignment", key("window "+who), set)
			}
			s.must(s.act(do{"mentor b", "return", "a"}, "c"))
			for _, who := range []string{"mentor", "mentor b"} {
				if n := s.told(domain.NoticeSecondOpinion, key(who)); n != map[bool]int{true: 1}[who == tt.want] {
					t.Errorf("%s is told %d times", who, n)
				}
			}
		})
	}
}
