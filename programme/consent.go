package programme

import (
	"context"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// consents reports whether somebody agrees to the curation: in the app, or else in the list
// that their file was imported from.
func consents(profile, file merge.Row) bool {
	if domain.Said(profile, "curation") || file.Text("source") != "import" {
		return domain.Consented(profile, "curation")
	}
	return answersOf(file.Fields["answers"], "value")[domain.CheckConsent] == "yes"
}

// admits asks of a registrant whom an import would file what the count of the app asks: whether what
// the row says may come in by the rules of now, and whether its person has said no to the curation in
// the app, which no list takes back. Whoever has a file is left alone: what they say behind it is
// theirs to act on. What an import has submitted and cannot file any more goes back to its owner.
//
// Errors: Invalid "region_not_covered", "consent_required" with the field of the row.
func (s *Service) admits(ctx context.Context, h *haul, b bringing) error {
	key := merge.Key{Collection: "user", ID: b.owner}
	profile, err := s.rows(ctx, merge.UserScope(b.owner), key)
	if err != nil {
		return err
	}
	against := h.programme.RegistrantRules().Against(b.Registrant)
	if listed := (merge.Row{Fields: map[string]merge.Value{"source": merge.Str("import")}}); domain.Said(first(profile), "curation") && !consents(first(profile), listed) {
		against = append(against, fault.Mistake{Field: domain.CheckConsent, Code: domain.ReturnNoConsent})
	}
	if len(against) == 0 {
		return nil
	}
	files, err := s.rows(ctx, domain.DecisionScope(h.programme.ID), merge.Key{Collection: "case_file", ID: b.application})
	if err != nil || len(files) > 0 {
		return err
	}
	if err := s.giveBack(ctx, h, []bringing{b}, against[0].Code); err != nil {
		return err
	}
	return fault.Mistakes(against, "registrant")
}
