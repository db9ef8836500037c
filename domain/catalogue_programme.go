package domain

import (
	"bytes"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// programmes lists the collections of programmes.
func programmes() []*merge.Collection { return []*merge.Collection{programmeSetup(), programme()} }

// What a programme may have at most.
const (
	maxPhases   = 20
	maxStages   = 9
	maxItems    = 60
	maxPartners = 60
)

func programmeKinds() []string { return []string{"campaign", "follow_on", "workshop"} }

// partnerRoles are the parts that somebody beside the ministry plays.
func partnerRoles() []string {
	return []string{"organiser", "curator", "mentor", "trainer", "marketplace", "payment", "logistics", "media", "venue", "financing", "host_region", "other"}
}

// publicFields are what everybody reads of a programme once it is open.
func publicFields() []merge.Field {
	day := func(name string) merge.Member { return merge.Member{Name: name, Type: date(), Required: true} }
	return fields(
		server("code", form(`^[a-z0-9-]{3,40}$`, 40), "for ever the same"),
		server("name", text(2, 120), ""),
		server("theme", text(1, 120), ""),
		server("tagline", text(1, 120), ""),
		server("hashtag", form(`^#[\p{L}\p{N}_]+$`, 61), ""),
		server("aliases", list(text(1, 120), 20), "other names that people search for"),
		server("movement", text(1, 120), "such as Gernas BBI"),
		server("kind", enum(programmeKinds()...), "for ever the same"),
		server("follows", ref(""), "the programme that this one continues"),
		server("region_codes", list(form(`^[0-9]{2}$`, 2), 38), "provinces"),
		server("default_zone", enum(zones()...), "in which its days begin and end; absent at the create = that of its first province"),
		server("phases", list(object(merge.Member{Name: "code", Type: enum(phases()...), Required: true}, day("starts_on"), day("ends_on")), maxPhases), "local days, both included"),
		server("monitoring", object(day("starts_on"), day("ends_on")), "local days in which sales count, both included"),
		server("questions", list(object(
			merge.Member{Name: "code", Type: form(`^[a-z0-9_]{1,40}$`, 40), Required: true},
			merge.Member{Name: "label_id", Type: text(1, 200), Required: true},
			merge.Member{Name: "label_en", Type: text(1, 200)},
			merge.Member{Name: "kind", Type: enum(questionKinds()...)},
			merge.Member{Name: "choices", Type: list(text(1, 80), 30)},
			merge.Member{Name: "required", Type: truth()}), maxAnswers), "of the application"),
		server("quota", whole(1, 100_000, "businesses"), "that are selected"),
		server("reserve_size", whole(0, 100_000, "businesses"), ""),
		server("confirm_days", whole(1, 60, "days"), "that a selected business has to confirm"),
		server("partners", list(object(
			merge.Member{Name: "name", Type: text(2, 120), Required: true},
			merge.Member{Name: "roles", Type: list(enum(partnerRoles()...), 12), Required: true},
			merge.Member{Name: "activities", Type: list(object(merge.Member{Name: "phase", Type: enum(phases()...), Required: true},
				merge.Member{Name: "roles", Type: list(enum(partnerRoles()...), 12), Required: true}), maxPhases)},
			merge.Member{Name: "url", Type: form(`^https://[^\s/]+(/\S*)?$`, 300)}), maxPartners), "activities = phases in which a partner has these of its roles only"),
		server("brand", object(
			merge.Member{Name: "colour", Type: form(`^#[0-9a-f]{6}$`, 7)},
			merge.Member{Name: "logo_url", Type: form(`^https://[^\s/]+(/\S*)?$`, 300)}), ""),
		server("status", enum(ProgrammeStatuses()...), "forward only"),
	)
}

// programmeSetup is a programme as admins plan it.
func programmeSetup() *merge.Collection {
	return &merge.Collection{
		Name: "programme_setup", Scope: ScopeDecision, Doc: "a programme as admins set it up online; never on a phone", React: reactProgramme, Fields: fields(
			publicFields(),
			server("number_prefix", form(`^[A-Z0-9]{2,10}$`, 10), "of receipt numbers; fixed once there is one"),
			server("champion_count", whole(0, 1000, "businesses"), ""),
			server("offline_grace_hours", whole(0, 24, "hours"), "in which a draft that was finished offline before the close still counts; 0 = none"),
			server("plan_template_id", ref(""), "version of the template that every business gets its tasks from; absent = none"),
			server("stages", list(stageType(), maxStages), "of the curation; each fixed once it is decided or curators have files of it"),
			server("targets", object(
				merge.Member{Name: "sales_idr", Type: rupiah(0, 1_000_000_000_000_000)},
				merge.Member{Name: "online_share_bp", Type: whole(0, 10_000, "bp")},
				merge.Member{Name: "onboarded", Type: whole(0, 1_000_000, "businesses")}), ""),
		),
	}
}

// stageType is one stage of a curation.
func stageType() merge.Type {
	item := object(
		merge.Member{Name: "code", Type: form(`^[a-z0-9_]{1,40}$`, 40), Required: true},
		merge.Member{Name: "label_id", Type: text(1, 200), Required: true},
		merge.Member{Name: "label_en", Type: text(1, 200)},
		merge.Member{Name: "weight_bp", Type: whole(0, 10_000, "bp")},
		merge.Member{Name: "min", Type: whole(0, 1000, "points")},
		merge.Member{Name: "max", Type: whole(0, 1000, "points")},
		merge.Member{Name: "required", Type: truth()})
	return object(
		merge.Member{Name: "no", Type: whole(1, maxStages, ""), Required: true},
		merge.Member{Name: "kind", Type: enum(StageChecklist, StageLevel, StageRubric), Required: true},
		merge.Member{Name: "items", Type: list(item, maxItems), Required: true},
		merge.Member{Name: "spread_bp", Type: whole(0, 10_000, "bp")},
		merge.Member{Name: "pass", Type: object(
			merge.Member{Name: "level", Type: whole(0, 100, "level")},
			merge.Member{Name: "score_bp", Type: whole(0, 10_000, "bp")},
			merge.Member{Name: "top", Type: whole(0, 100_000, "businesses")})},
		merge.Member{Name: "curators_per_file", Type: whole(0, 9, "people")},
		merge.Member{Name: "blind", Type: truth()})
}

// programme is what everybody sees of one.
func programme() *merge.Collection {
	return &merge.Collection{
		Name: "programme", Scope: ScopeProgrammes, Doc: "what is public of a programme, from the day it opens; the server repeats it from the setup",
		Fields: fields(publicFields(), cause()),
	}
}

// reactProgramme shows everybody what is public of a programme, once it is open. Places that came free when it took nobody in
// any more are looked at again when its days are moved.
func reactProgramme(c merge.Change) (out []merge.Effect) {
	if c.After.Text("status") == ProgrammeDraft {
		return nil
	}
	if !c.New && !bytes.Equal(c.Before.Fields["monitoring"], c.After.Fields["monitoring"]) {
		out = append(out, merge.Effect{Scope: c.Scope(), Collection: "programme_setup", ID: c.After.ID, Do: StepFill})
	}
	set, changed := map[string]merge.Value{}, c.New
	for _, f := range publicFields() {
		set[f.Name] = orNull(c.After.Fields[f.Name])
		changed = changed || !bytes.Equal(c.Before.Fields[f.Name], c.After.Fields[f.Name])
	}
	if !changed {
		return out
	}
	return append(out, merge.Effect{Scope: ScopeProgrammes, Collection: "programme", ID: c.After.ID, Mirror: true, Set: set})
}

// ProgrammeFields are the fields of a programme that admins write.
func ProgrammeFields() []string {
	var out []string
	for _, f := range programmeSetup().Fields {
		out = append(out, f.Name)
	}
	return out
}
