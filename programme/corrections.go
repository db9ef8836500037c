package programme

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// CorrectAnnouncement writes other words into an announcement that people have, which
// makes its next version: their items follow, marked as updated, and nobody gets another
// one. The words before are kept. Only those who wrote in it do. Where another admin had to
// read it first, that is so again: then the correction is proposed, and the approval is
// given.
//
// Errors: as ChangeAnnouncement.
func (s *Service) CorrectAnnouncement(ctx context.Context, who Caller, announcement string, v Version, fields map[string]merge.Value) (Announcement, Approval, error) {
	a, by, err := s.atNewsdesk(ctx, who, announcement)
	if err == nil && !slices.Contains(a.Strings("editors"), who.User) {
		err = forbidden()
	}
	if err != nil || merge.Null(a.Fields["approver"]) {
		if err == nil {
			a, err = s.correct(ctx, who, announcement, v, fields)
		}
		return a, Approval{}, err
	}
	if _, ok := domain.AnnouncementNext(a.Text("state"), domain.AnnounceCorrect); v != a.Version || !ok {
		a, err = s.correct(ctx, who, announcement, v, fields) // which says why not
		return a, Approval{}, err
	}
	set, err := s.fitsCorrection(ctx, by, a, fields)
	if err != nil {
		return a, Approval{}, err
	}
	pending, err := s.propose(ctx, who, Proposal{Kind: domain.ApproveCorrection, Subject: announcement, Params: map[string]merge.Value{"version": a.Fields["version"], "fields": merge.Encode(set)}})
	return a, pending, err
}

// carryCorrection corrects an announcement as it was approved, in the name of who proposed
// it. The version that it makes says whether that was done before.
func (s *Service) carryCorrection(ctx context.Context, ap Approval, p Proposal) error {
	who := Caller{User: ap.Text("proposed_by"), Name: "approved." + ap.ID, Proved: true, Fresh: true}
	a, err := s.announcement(ctx, p.Subject)
	if err != nil {
		return err
	}
	base := merge.AsInt(p.Params["version"])
	switch now := a.Int("version"); {
	case now == base+1 && s.saysSo(a.Row, p.Params["fields"]) && slices.Contains(a.Strings("editors"), who.User):
		return nil // done before a crash
	case now != base:
		return conflict("approval_closed", "it was corrected since")
	}
	var fields map[string]merge.Value
	if err := json.Unmarshal(p.Params["fields"], &fields); err != nil {
		return fmt.Errorf("fields of a correction: %w", err)
	}
	_, err = s.correct(ctx, who, p.Subject, a.Version, fields)
	return err
}

// saysSo reports whether an announcement has these words.
func (*Service) saysSo(a merge.Row, words merge.Value) bool {
	var fields map[string]merge.Value
	if json.Unmarshal(words, &fields) != nil {
		return false
	}
	for name, v := range fields {
		if !bytes.Equal(orNull(a.Fields[name]), orNull(v)) {
			return false
		}
	}
	return true
}

// fitsCorrection holds other words against the rules and against the rest.
func (s *Service) fitsCorrection(ctx context.Context, by newsdesk, a Announcement, fields map[string]merge.Value) (map[string]merge.Value, error) {
	set, err := s.fitsAnnouncement(ctx, by, fields, domain.AnnouncementCorrectable())
	if err != nil {
		return nil, err
	}
	after := merge.Row{Key: a.Key, Fields: maps.Clone(a.Fields)}
	maps.Copy(after.Fields, set)
	for _, name := range []string{"title_id", "body_id"} {
		if after.Text(name) == "" {
			return nil, &fault.Error{Kind: fault.Invalid, Code: "required", Field: name, Text: "people have it"}
		}
	}
	return set, fault.Mistakes(domain.CheckAnnouncement(after, s.Clock.Now(), false), "announcement")
}

func (s *Service) correct(ctx context.Context, who Caller, announcement string, v Version, fields map[string]merge.Value) (Announcement, error) {
	return s.operate(ctx, who, announcement, v, domain.AnnounceCorrect, func(a Announcement, by newsdesk, _ string) (map[string]merge.Value, []merge.ServerWrite, error) {
		set, err := s.fitsCorrection(ctx, by, a, fields)
		if err != nil {
			return nil, nil, err
		}
		old := map[string]merge.Value{"announcement_id": merge.Str(a.ID), "version": a.Fields["version"], "editors": orNull(a.Fields["editors"])}
		for _, name := range domain.AnnouncementText() {
			old[name] = orNull(a.Fields[name])
		}
		set["version"], set["editors"] = merge.Num(a.Int("version")+1), editedBy(a.Row, who)
		kept := merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "announcement_version",
			ID: id.Derive("announcement_version", a.ID, string(a.Fields["version"])), Op: merge.Put, Create: true, Set: old}
		return set, append(toAll(a.Row, who, domain.AnnounceCorrect+string(set["version"])), kept), nil
	})
}
