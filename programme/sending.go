package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// lateEvery is how often at most a process looks for people who have joined the audience
// of an announcement since it was sent.
const lateEvery = time.Hour

// looked remembers when this process looked for late joiners. Forgetting costs a look.
type looked struct {
	mu sync.Mutex
	at map[string]time.Time
}

// due reports whether it is time to look, and notes it. A clock that was put back begins
// anew.
func (l *looked) due(announcement string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.at[announcement]; ok && !now.Before(last) && now.Sub(last) < lateEvery {
		return false
	}
	if l.at == nil || len(l.at) >= 1000 {
		l.at = map[string]time.Time{}
	}
	l.at[announcement] = now
	return true
}

// Announce does what the hour asks for of announcements: it freezes the audience of those
// whose time has come and begins to send them, looks for late joiners, and lets expire
// what has lasted long enough. It reports how many it moved. It remembers nothing that it
// needs: what is due follows from the records of now. Several processes may do so at once
// and again after a crash, because one commit decides. One that fails is left for the next
// time; the others are done.
func (s *Service) Announce(ctx context.Context) (moved int, err error) {
	due, err := s.tagged(ctx, domain.GeneralQueue, domain.AnnouncementDue)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, a := range due {
		did, err := s.announce(ctx, a)
		if fault.CodeOf(err) == "stale_version" { // another process, or its author, was faster
			did, err = false, nil
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("announcement %s: %w", a.ID, err))
		}
		if did {
			moved++
		}
	}
	return moved, errors.Join(failed...)
}

// announce does what the hour asks for of one announcement.
func (s *Service) announce(ctx context.Context, a merge.Row) (bool, error) {
	now, publish, expires := s.Clock.Now(), instant(a, "publish_at"), instant(a, "expires_at")
	state := a.Text("state")
	asked, asks := domain.AsksAt(a)
	switch {
	case !expires.IsZero() && !expires.After(now):
		next, ok := domain.AnnouncementNext(state, domain.AnnounceExpire)
		if !ok {
			return false, nil
		}
		set := map[string]merge.Value{"state": merge.Str(next), "ended_at": s.now().Value()}
		if state == domain.AnnouncementScheduled { // nobody has it, and its author believes that all do
			return true, s.withhold(ctx, a, domain.AnnounceExpire, withheldLate, set)
		}
		return true, s.rewrite(ctx, planner(a, domain.AnnounceExpire), a, set)
	case state == domain.AnnouncementScheduled && !publish.After(now):
		return s.begin(ctx, a)
	case asks && !asked.After(now):
		return true, s.ask(ctx, a)
	case state == domain.AnnouncementSent && string(a.Fields["include_late_joiners"]) == "true" && s.joiners.due(a.ID, now):
		return s.addLate(ctx, a)
	}
	return false, nil
}

// planner is who moves an announcement by the clock, under a name that depends on what it
// was.
func planner(a merge.Row, what string) Caller {
	return Caller{Name: fmt.Sprintf("announce.%s.%s.%d", a.ID, what, a.Version)}
}

// begin freezes the audience as it was at the hour of publication, and sends. On the word of
// a regional admin who is none of its provinces any more nothing is sent, and nothing to an
// audience that has grown so large that another admin has to read it first: it is a draft
// again, and the admins are told.
func (s *Service) begin(ctx context.Context, a merge.Row) (bool, error) {
	withhold := func(why string) (bool, error) {
		next, _ := domain.AnnouncementNext(a.Text("state"), domain.AnnounceWithhold)
		return true, s.withhold(ctx, a, domain.AnnounceWithhold, why, map[string]merge.Value{"state": merge.Str(next), "approver": null(), "regional_by": null()})
	}
	if over, err := s.outlived(ctx, a); err != nil {
		return false, err
	} else if over {
		return withhold(withheldRight)
	}
	publish := merge.Millis(instant(a, "publish_at").UnixMilli())
	found, err := s.audience(ctx, domain.AudienceOf(a), publish)
	if err != nil {
		return false, err
	}
	people := found.people()
	if domain.Unreviewed(a, found.provinces, len(people)) {
		return withhold(withheldUnread)
	}
	next, _ := domain.AnnouncementNext(a.Text("state"), domain.AnnounceBegin)
	set := map[string]merge.Value{"state": merge.Str(next), "frozen_at": s.now().Value(), "audience_count": merge.Num(len(people))}
	if len(people) == 0 { // they have left since it was scheduled
		set["state"] = merge.Str(domain.AnnouncementSent)
	}
	return true, s.send(ctx, a, people, set, domain.AnnounceBegin)
}

// addLate sends to those who joined the audience since, as long as the right lasts on which
// it goes out, and as it does not reach so many with them that another admin has to read it.
// After that it looks for none any more.
func (s *Service) addLate(ctx context.Context, a merge.Row) (bool, error) {
	withhold := func(why string) (bool, error) {
		return true, s.withhold(ctx, a, "late", why, map[string]merge.Value{"include_late_joiners": null()})
	}
	if over, err := s.outlived(ctx, a); err != nil {
		return false, err
	} else if over {
		return withhold(withheldRight)
	}
	found, err := s.audience(ctx, domain.AudienceOf(a), s.now())
	if err != nil {
		return false, err
	}
	for _, page := range domain.AudiencePages(a) {
		users, err := s.page(ctx, a.ID, page)
		if err != nil {
			return false, err
		}
		for _, u := range users {
			delete(found.roles, u)
		}
	}
	people := found.people()
	all := int(a.Int("audience_count")) + len(people)
	if len(people) == 0 || all > domain.MaxAudience || len(domain.SendingsOf(a)) >= domain.MaxSendings {
		return false, nil
	}
	if domain.Unreviewed(a, found.provinces, all) {
		return withhold(withheldUnread)
	}
	return true, s.send(ctx, a, people, map[string]merge.Value{"audience_count": merge.Num(all)}, "late")
}

// page gives the users of a page of a frozen audience.
func (s *Service) page(ctx context.Context, announcement, page string) ([]string, error) {
	rows, err := s.rows(ctx, domain.AnnouncementScope(announcement), merge.Key{Collection: "audience_page", ID: page})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("no page %s of announcement %s", page, announcement)
	}
	if err != nil {
		return nil, err
	}
	return rows[0].Strings("users"), nil
}

// send writes people down, page by page, and then decides in one commit that they are the
// audience and that a job brings it to them. Pages of who came second are nobody's: a
// sending is known by its people.
func (s *Service) send(ctx context.Context, a merge.Row, people []string, set map[string]merge.Value, what string) error {
	who := planner(a, what)
	if len(people) == 0 {
		return s.rewrite(ctx, who, a, set)
	}
	key := id.Derive("sending", a.ID, strings.Join(people, ","))
	var pages []string
	for users := range slices.Chunk(people, domain.AudiencePage) {
		no := len(pages) + 1
		page := domain.AudiencePageID(key, no)
		if _, err := s.Engine.Write(ctx, domain.AnnouncementScope(a.ID), merge.ServerWrite{Name: "page." + page, Role: merge.System, Collection: "audience_page", ID: page,
			Op: merge.Put, Create: true, Set: map[string]merge.Value{"key": merge.Str(key), "no": merge.Num(no), "users": merge.Encode(users)}}); err != nil {
			return err
		}
		pages = append(pages, page)
	}
	set["sendings"] = merge.Encode(append(domain.SendingsOf(a), domain.Sending{Key: key, Pages: len(pages), People: len(people)}))
	return s.rewrite(ctx, who, a, set, telling(who, domain.JobAnnounce, a.ID, what+key, pages)...)
}

// telling are the writes of a job that does something about an announcement, as it is when
// that is done, with pages of its audience: brings it to them, or asks for their word.
func telling(who Caller, kind, announcement, what string, pages []string) []merge.ServerWrite {
	made := func(collection, record string, set map[string]merge.Value) merge.ServerWrite {
		return merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.System, Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}
	}
	jid := id.Derive("job", announcement, what)
	writes := []merge.ServerWrite{made("job", jid, map[string]merge.Value{"kind": merge.Str(kind), "announcement_id": merge.Str(announcement), "total": merge.Num(len(pages))})}
	for i, page := range pages {
		writes = append(writes, made("job_step", domain.NumberedStep(jid, i+1), map[string]merge.Value{"job_id": merge.Str(jid), "kind": merge.Str(kind),
			"no": merge.Num(i + 1), "page_id": merge.Str(page), "state": merge.Str(domain.StepWaiting)}))
	}
	return writes
}

// toAll are the writes of jobs that bring what an operation changed to everybody who was
// sent the announcement.
func toAll(a merge.Row, who Caller, what string) (writes []merge.ServerWrite) {
	n := 0
	for pages := range slices.Chunk(domain.AudiencePages(a), domain.MaxJobSteps) {
		n++
		writes = append(writes, telling(who, domain.JobAnnounce, a.ID, fmt.Sprint(what, n), pages)...)
	}
	return writes
}

// tellPage does one step of a job: it brings the announcement as it is to a page of its
// audience. One that changes meanwhile is brought by a job of its own.
func (s *Service) tellPage(ctx context.Context, job, step merge.Row) (map[string]merge.Value, error) {
	a, err := s.announcement(ctx, job.Text("announcement_id"))
	if err != nil {
		return nil, err
	}
	users, err := s.page(ctx, a.ID, step.Text("page_id"))
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		switch err := s.inform(ctx, a.Row, u); {
		case passing(err):
			return nil, fmt.Errorf("tell of announcement %s: %w", a.ID, err)
		case err != nil: // for good: the others shall have it
			s.Engine.Log.ErrorContext(ctx, "announcement refused", "announcement", a.ID, "user", u, "code", fault.CodeOf(err))
		}
	}
	if step.Int("no") == job.Int("total") {
		err = s.finish(ctx, a)
	}
	return map[string]merge.Value{"rows": merge.Num(len(users))}, err
}

// finish notes that everybody has an announcement that was being sent.
func (s *Service) finish(ctx context.Context, a Announcement) error {
	for {
		next, ok := domain.AnnouncementNext(a.Text("state"), domain.AnnounceFinish)
		if !ok {
			return nil
		}
		err := s.rewrite(ctx, planner(a.Row, domain.AnnounceFinish), a.Row, map[string]merge.Value{"state": merge.Str(next)})
		if fault.CodeOf(err) != "stale_version" {
			return err
		}
		if a, err = s.announcement(ctx, a.ID); err != nil { // another worker did, or it was retracted
			return err
		}
	}
}

// inform takes the item of one person up to what an announcement says. There is one item,
// whoever writes it and however often, and it never goes back. It is made for those too
// who had none when the announcement was retracted: else a worker that is behind would
// give them the words.
func (s *Service) inform(ctx context.Context, a merge.Row, user string) error {
	inbox, k := merge.UserScope(user), merge.Key{Collection: "inbox", ID: domain.AnnouncementItemID(a.ID, user)}
	behind := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if item, ok := v.Row(k.Collection, k.ID); ok && !domain.ItemBehind(item, a) {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	for {
		rows, err := s.rows(ctx, inbox, k)
		if err != nil {
			return err
		}
		there := len(rows) > 0
		if there && !domain.ItemBehind(rows[0], a) {
			return nil
		}
		set := domain.AnnouncementItem(a)
		w := merge.ServerWrite{Name: fmt.Sprintf("announce.%s.%d.%s", k.ID, a.Int("version"), a.Text("state")), Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put,
			Create: !there, Set: set, Must: behind}
		switch _, err = s.Engine.Write(ctx, inbox, w); fault.CodeOf(err) {
		case "conflict": // another worker has brought as much, or more
			return nil
		case "id_reuse": // it was made meanwhile
			continue
		}
		return err
	}
}
