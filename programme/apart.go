package programme

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// curatorJoined is what a review item is about that says that a curator is of an enterprise whose
// file they were given; its author is that curator.
const curatorJoined = "curator_joined"

// findBarred notes on a board which curators get no file, since they are suspended, and which of
// them are of the enterprise of which file in a stage: as owners, staff or mentors, now or ever.
// It reads the user and a head list for each curator, and where one of them is in an enterprise
// at all, a head for each file.
func (s *Service) findBarred(ctx context.Context, b *board, no int) error {
	of := map[string][]string{} // curators by enterprise
	b.away = map[string]bool{}
	for _, m := range b.panel {
		status, err := s.statusOf(ctx, m.Text("user_id"))
		if err != nil {
			return err
		}
		b.away[m.Text("user_id")] = status == store.UserSuspended || status == store.UserErased
		homes, err := s.enterprisesOf(ctx, m.Text("user_id"))
		if err != nil {
			return err
		}
		for _, h := range homes {
			of[h] = append(of[h], m.Text("user_id"))
		}
	}
	b.own = map[string][]string{}
	for _, f := range b.in(no) {
		if len(of) == 0 {
			break
		}
		home, err := s.movedTo(ctx, f.business)
		if err != nil {
			return err
		}
		if out := of[home]; len(out) > 0 {
			b.own[f.id] = out
		}
	}
	return nil
}

// enterprisesOf lists the enterprises that somebody is of, or was: what was merged is where
// it went.
func (s *Service) enterprisesOf(ctx context.Context, user string) (out []string, err error) {
	heads, err := s.Engine.Store.HeadsFor(ctx, user, nil)
	if err != nil {
		return nil, fmt.Errorf("heads of a curator: %w", err)
	}
	for _, h := range heads {
		if !strings.HasPrefix(h.Scope, scopeOf("")) {
			continue
		}
		home, err := s.movedTo(ctx, scopeTail(h.Scope))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, home) {
			out = append(out, home)
		}
	}
	return out, nil
}

// keepApart takes a file from a curator who is of its enterprise. It is asked behind the
// commit that lets somebody into an enterprise, and behind the one that gives somebody a
// file: whichever comes second sees both.
func (s *Service) keepApart(ctx context.Context, eff merge.Effect) error {
	rows, err := s.rows(ctx, eff.Scope, merge.Key{Collection: eff.Collection, ID: eff.ID})
	if err != nil || len(rows) == 0 {
		return err
	}
	r := rows[0]
	if eff.Collection == "file_share" {
		programme := scopeTail(eff.Scope)
		file, err := s.rows(ctx, eff.Scope, merge.Key{Collection: "case_file", ID: r.Text("application_id")})
		if err != nil || len(file) == 0 {
			return err
		}
		home, err := s.movedTo(ctx, file[0].Text("business_id"))
		if err != nil {
			return err
		}
		mine, err := s.enterprisesOf(ctx, r.Text("curator_id"))
		if err != nil || !slices.Contains(mine, home) {
			return err
		}
		return s.takeBack(ctx, programme, share{r.Text("application_id"), r.Text("curator_id")}, int(r.Int("stage")), home)
	}
	user := r.Text("user_id")
	if eff.Collection == "assignment" {
		user = r.Text("mentor_id")
	}
	home, err := s.movedTo(ctx, scopeTail(eff.Scope))
	if err != nil {
		return err
	}
	return s.apartFrom(ctx, user, home)
}

// apartFrom takes the files of an enterprise from somebody, in whichever programme they
// curate, or did.
func (s *Service) apartFrom(ctx context.Context, user, home string) error {
	heads, err := s.Engine.Store.HeadsFor(ctx, user, nil)
	if err != nil {
		return fmt.Errorf("heads of a curator: %w", err)
	}
	for _, h := range heads {
		parts := strings.Split(h.Scope, "/") // panel/<programme>/<curator>
		if len(parts) != 3 || parts[0] != domain.ScopePanel {
			continue
		}
		given, err := s.collection(ctx, h, "dossier")
		if err != nil {
			return err
		}
		for _, d := range given {
			file, err := s.rows(ctx, domain.DecisionScope(parts[1]), merge.Key{Collection: "case_file", ID: d.Text("application_id")})
			if err != nil {
				return err
			}
			at, err := s.movedTo(ctx, first(file).Text("business_id"))
			if err != nil || at != home {
				if err != nil {
					return err
				}
				continue
			}
			if err := s.takeBack(ctx, parts[1], share{d.Text("application_id"), user}, int(d.Int("stage")), home); err != nil {
				return err
			}
		}
	}
	return nil
}

// followMerger looks after two enterprises that are one now: whoever is of either curates
// no file of either, and the admins are told where both have applied to one programme.
func (s *Service) followMerger(ctx context.Context, eff merge.Effect) error {
	heads, err := s.homes(ctx, eff.Scope)
	if err != nil || len(heads) == 0 {
		return err
	}
	var done []string
	for _, g := range accessIn(heads) {
		if slices.Contains(done, g.User) {
			continue
		}
		done = append(done, g.User)
		if err := s.apartFrom(ctx, g.User, scopeTail(heads[0].Scope)); err != nil {
			return err
		}
	}
	return s.warnOfTwo(ctx, heads[len(heads)-1], heads[0])
}

// takeBack ends a share of somebody who is of the enterprise. It is as if they had declared a
// conflict of interest: what they say of the file does not count, and somebody else is asked
// at once if the panel has one. What a decided stage rests on stays. The admins are told in the
// same commit, so once: an enterprise may take somebody in who was to judge it. Done again it
// changes nothing.
func (s *Service) takeBack(ctx context.Context, programme string, of share, no int, home string) error {
	scope, k := domain.DecisionScope(programme), merge.Key{Collection: "score", ID: domain.SheetID(of.file, no, of.curator)}
	given := merge.Key{Collection: "file_share", ID: shareID(of, no)}
	for {
		there, err := s.filedBeside(ctx, scope, store.Want{Keys: []merge.Key{k, given, decisionKey(programme, no)}})
		if err != nil || there[given].Version == 0 {
			return err
		}
		score, was := there[k], there[given]
		if was.Text("ended_at") != "" {
			return s.askAnother(ctx, scope, score, was)
		}
		name := "apart." + id.Derive(given.ID, fmt.Sprint(was.Version))
		writes := []merge.ServerWrite{{Name: name, Role: merge.System, Collection: given.Collection, ID: given.ID, Op: merge.Put, Strict: &was.Version,
			Set: map[string]merge.Value{"ended_at": s.now().Value()}},
			{Name: name, Role: merge.System, Collection: "review_item", ID: id.Derive("review", given.ID, curatorJoined), Op: merge.Put, Create: true,
				Set: map[string]merge.Value{"what": merge.Str(curatorJoined), "scope": merge.Str(scopeOf(home)), "object": merge.Encode(map[string]string{"collection": "application", "id": of.file}),
					"author": merge.Str(of.curator), "at": s.now().Value()}}}
		if there[decisionKey(programme, no)].Text("state") != "decided" {
			set := map[string]merge.Value{"application_id": merge.Str(of.file), "stage": merge.Num(no), "curator_id": merge.Str(of.curator), "conflict": merge.Flag(true)}
			if score.Version == 0 {
				set["state"] = merge.Str(domain.SheetDraft)
			}
			writes = append(writes, merge.ServerWrite{Name: name, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put, Create: score.Version == 0, Strict: &score.Version, Set: set})
		}
		if _, err := s.Engine.Write(ctx, scope, writes...); err != nil && !fasterOther(err) {
			return err
		} // the next look finds it ended
	}
}
