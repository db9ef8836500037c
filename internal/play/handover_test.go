package play_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// TestTheVisitInEveryOrder is story A8.
func TestTheVisitInEveryOrder(t *testing.T) {
	orders := play.HandoverOrders()
	if len(orders) != 8 {
		t.Fatalf("%d orders, want 8: %v", len(orders), orders)
	}
	for name, on := range stores(t) {
		for _, repeat := range []int{1, 3} {
			for _, order := range orders {
				t.Run(fmt.Sprintf("%s, sent %d times, %v", name, repeat, order), func(t *testing.T) {
					t.Parallel()
					w := open(t, play.VisitStart(), on(play.Options{Repeat: repeat}))
					var told strings.Builder
					got, err := w.PlayVisit(t.Context(), &play.Teller{Out: &told}, order)
					if err != nil {
						t.Fatal(err)
					}
					checkVisit(t, got, slices.Index(order, play.Handover) < slices.Index(order, play.MentorSyncs))
					if t.Failed() {
						t.Log(told.String())
					}
				})
			}
		}
	}
}

func checkVisit(t *testing.T, got play.Visit, late bool) {
	t.Helper()
	if got.State != domain.TaskVerified || got.Photos != 5 {
		t.Errorf("task is %s with %d photos, want verified with 5", got.State, got.Photos)
	}
	if want := map[string]string{"verify": domain.Effective, "submit": domain.Absorbed}; !maps.Equal(got.Events, want) {
		t.Errorf("events %v, want one each: %v", got.Events, want)
	}
	if got.Late != late {
		t.Errorf("marked as late hand-over: %t, want %t", got.Late, late)
	}
	if want := []string{"not_assigned", "not_assigned", "not_assigned"}; !slices.Equal(got.Refused, want) {
		t.Errorf("refused %v, want %v", got.Refused, want)
	}
	if want := []string{"attachment", "attachment", "task_event"}; !slices.Equal(got.Queue, want) {
		t.Errorf("admin's queue holds %v, want %v", got.Queue, want)
	}
	if got.Secret != 3 {
		t.Errorf("%d quarantine records, want 3", got.Secret)
	}
	if got.OtherTask != domain.TaskAssigned {
		t.Errorf("the task of 7 May is %s", got.OtherTask)
	}
	if !got.Purged || !got.Complete || !got.Alike || got.Waiting != 0 {
		t.Errorf("purged %t, complete %t, alike %t, %d waiting", got.Purged, got.Complete, got.Alike, got.Waiting)
	}
}
