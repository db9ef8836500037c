package play_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// How many people of each kind the briefing is for.
const (
	foodOwners = 19
	foodStaff  = 3
)

// newsroom is an admin with news for the food businesses of Lampung in a programme.
type newsroom struct {
	*scene
	desk, second *play.Phone
	owners       []*play.Phone
	staff        []*play.Phone
	mentors      []*play.Phone
	businesses   []string
	programme    string
	outside      []*play.Phone // owners whom the briefing is not for
}

// newsroomHour is when a newsroom begins.
func newsroomHour() time.Time {
	return time.Date(2022, time.May, 30, 6, 30, 0, 0, domain.WIB.Location())
}

// setNewsroom lets owners people of Lampung work with food, and two outside.
func setNewsroom(t *testing.T, owners, staff int, change ...func(*play.Options)) *newsroom {
	t.Helper()
	o := play.Options{Store: storefault.NewPoor(), Identity: &storefault.MemoryIdentity{}, Crowd: owners + staff + 20}
	for _, c := range change {
		c(&o)
	}
	n := &newsroom{scene: &scene{TB: t, w: open(t, newsroomHour(), o)}}
	n.desk = n.enter(n.w.Person("Bu Ratna"), "desk")
	n.second = n.enter(n.w.Colleague(owners+staff+10), "second desk")
	n.mentors = []*play.Phone{n.enter(n.w.Person("Pak Hendra"), "hendra"), n.enter(n.w.Person("Bu Sinta"), "sinta")}
	for _, m := range n.mentors {
		n.ok(n.w.Profile(t.Context(), n.desk, m.Who, map[string]any{"capacity": 1 + owners/2}))
	}
	n.programme = n.plan()
	for i := range owners {
		p := n.enter(n.w.Neighbour(i), fmt.Sprintf("owner %d", i))
		b, err := n.w.Found(t.Context(), p, fmt.Sprintf("Usaha %d", i), "18.10")
		n.ok(err)
		n.owners, n.businesses = append(n.owners, p), append(n.businesses, b)
		_, err = n.w.Assign(t.Context(), n.desk, b, n.mentors[i%2].Who)
		n.ok(err)
		n.enrol(b)
	}
	for i := range staff {
		n.staff = append(n.staff, n.hire(i, owners+i))
	}
	for i, place := range [][2]string{{"18.71", "crafts"}, {"73.71", "food_beverage"}} {
		p := n.enter(n.w.Neighbour(owners+staff+i), place[0])
		b := p.IDs.New()
		n.ok(p.Send(t.Context(), http.MethodPost, "/v1/businesses", "", map[string]any{"id": b, "name": "Usaha lain", "region_code": place[0], "primary_category": place[1]}, nil))
		n.enrol(b)
		n.outside = append(n.outside, p)
	}
	n.outside = append(n.outside, n.desk, n.second)
	return n
}

// plan makes a programme through the API.
func (n *newsroom) plan() string {
	n.Helper()
	var e play.News
	n.ok(n.desk.Send(n.Context(), http.MethodPost, "/v1/programmes", "", map[string]any{"code": "lagawi-fest-2022", "fields": map[string]any{"name": "Lagawi Fest 2022", "kind": "campaign", "region_codes": []string{"18"}}}, &e))
	return e.ID
}

// enrol writes down that a business was selected and told so, as the publication does.
func (n *newsroom) enrol(business string) {
	n.Helper()
	file := domain.ApplicationID(business, n.programme, 1)
	_, err := n.w.App.Engine.Write(n.Context(), domain.DecisionScope(n.programme), merge.ServerWrite{Name: "file." + file, Role: merge.System, Collection: "case_file", ID: file,
		Op: merge.Put, Create: true, Set: map[string]merge.Value{"business_id": merge.Str(business), "state": merge.Str(domain.FileSelected)}},
		merge.ServerWrite{Name: "file." + file, Role: merge.System, Collection: "application_state", ID: file, Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"business_id": merge.Str(business), "state": merge.Str(domain.ApplicationOffered), "seen": merge.Num(1)}})
	n.ok(err)
}

// hire makes a neighbour staff of a business.
func (n *newsroom) hire(business, neighbour int) *play.Phone {
	n.Helper()
	who := n.w.Neighbour(neighbour)
	n.ok(n.w.Hire(n.Context(), n.owners[business], n.businesses[business], who))
	return n.enter(who, "staff of "+n.businesses[business])
}

// briefing is what the admin writes.
func (n *newsroom) briefing(publish time.Time) map[string]any {
	return play.BriefingWords(n.programme, publish)
}

// draft keeps a draft.
func (n *newsroom) draft(fields map[string]any) play.News {
	n.Helper()
	a, err := n.desk.Draft(n.Context(), fields)
	n.ok(err)
	return a
}

// operate takes it further.
func (n *newsroom) operate(p *play.Phone, a play.News, op string) play.News {
	n.Helper()
	out, err := p.Operate(n.Context(), a.ID, op)
	n.ok(err)
	return out
}

func (n *newsroom) read(p *play.Phone, a play.News) play.News {
	n.Helper()
	out, err := p.News(n.Context(), a.ID)
	n.ok(err)
	return out
}

func (n *newsroom) preview(a play.News) play.Preview {
	n.Helper()
	out, err := n.desk.Preview(n.Context(), a.ID)
	n.ok(err)
	return out
}

func (n *newsroom) receipts(a play.News) play.Receipts {
	n.Helper()
	out, err := n.desk.Receipts(n.Context(), a.ID)
	n.ok(err)
	return out
}

// look is one look of two servers at once.
func (n *newsroom) look() {
	n.Helper()
	n.ok(n.w.Both(n.Context(), func(ctx context.Context, s *programme.Service) error {
		_, err := s.Announce(ctx)
		return err
	}))
}

// audience is everybody whom the briefing is for.
func (n *newsroom) audience() []*play.Phone {
	return slices.Concat(n.owners, n.staff, n.mentors[:min(len(n.owners), 2)])
}

// item is the one item that a phone has of an announcement.
func (n *newsroom) item(p *play.Phone, a play.News) (merge.Row, bool) {
	n.Helper()
	found, some, err := p.Item(a.ID)
	n.ok(err)
	return found, some
}

// note keeps on a phone that its person had and read an announcement, now.
func (n *newsroom) note(p *play.Phone, a play.News, acked bool) {
	n.Helper()
	n.ok(p.Note(a.ID, true, acked))
}

// everyone wants every phone of the audience to have one item that passes, and nobody else
// any.
func (n *newsroom) everyone(at string, a play.News, passes func(merge.Row) bool) {
	n.Helper()
	for _, p := range n.audience() {
		n.sync(p)
		if item, ok := n.item(p, a); !ok || !passes(item) {
			n.Errorf("%s: %s has %t %s", at, p.Name, ok, item.EncodeFields())
		}
	}
	for _, p := range n.outside {
		n.sync(p)
		if item, ok := n.item(p, a); ok {
			n.Errorf("%s: %s, whom it is not for, has %s", at, p.Name, item.EncodeFields())
		}
	}
}
