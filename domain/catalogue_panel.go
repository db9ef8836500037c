package domain

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ScopePanel is the kind of scope that one curator of one programme has: the files to
// look at, and the sheets. What two curators make of a file lies in two scopes, so that
// neither can see the other's.
const ScopePanel = "panel"

// PanelScope is the scope of a curator.
func PanelScope(programme, user string) string { return ScopePanel + "/" + programme + "/" + user }

// States of a sheet.
const (
	SheetDraft     = "draft"
	SheetSubmitted = "submitted"
)

func panels() []*merge.Collection {
	return []*merge.Collection{panelWindow(), dossier(), sheet(), sheetEvent()}
}

func curators() []merge.Role { return []merge.Role{merge.Curator} }

// panelWindow is what lets a curator in.
func panelWindow() *merge.Collection {
	return &merge.Collection{
		Name: "panel_window", Scope: ScopePanel, Doc: "when a curator may read here; the server repeats it from where the programme is decided", Grant: grantPanel, Fields: fields(
			server("user_id", ref(""), "the curator"),
			server("from_at", instant(), "first instant of the right"),
			server("to_at", instant(), "first instant after it; absent = open"),
			cause(),
		),
	}
}

func grantPanel(r merge.Row) (merge.Grant, bool) {
	g := merge.Grant{ID: r.ID, User: r.Text("user_id"), Role: merge.Curator, From: instantOf(r, "from_at"), To: instantOf(r, "to_at")}
	return g, g.User != ""
}

// dossier is a copy of a case file for one curator.
func dossier() *merge.Collection {
	return &merge.Collection{
		Name: "dossier", Scope: ScopePanel, Doc: "what a curator sees of an application; without names, numbers and addresses where the stage is blind", Fields: fields(
			server("application_id", ref(""), ""),
			server("stage", whole(1, maxStages, ""), ""),
			server("number", text(0, 20), "receipt number; absent where the stage is blind"),
			server("business_name", text(0, 120), "absent where the stage is blind"),
			server("region_code", text(0, 5), ""),
			server("category", enum(categories()...), ""),
			server("size_class", text(0, 20), ""),
			server("answers", anything(64<<10), ""),
			server("survey", anything(4<<10), ""),
			server("level", whole(0, 4, "level"), "that the survey comes to, in a stage of levels"),
			server("items", anything(64<<10), "questions of the stage, with their ranges and weights"),
			server("due_at", instant(), "when the sheet should be in"),
			server("taken_at", instant(), "when it was taken back, because its curator is of the enterprise; nothing of the file is left here"),
			cause(),
		),
	}
}

// SheetID is the id of a curator's sheet on an application in a stage: two phones of the
// curator fill in one.
func SheetID(application string, stage int, curator string) string {
	return id.Derive("sheet", application, stageKey(stage), curator)
}

// sheet is what one curator makes of one file.
func sheet() *merge.Collection {
	return &merge.Collection{
		Name: "sheet", Scope: ScopePanel, Doc: "points of one curator for one application in one stage; locked while it is submitted", Create: curators(),
		Allow: allowSheet, Derive: deriveSheet, React: reactSheet, Fields: fields(
			required(once("application_id", ref(""), curators(), "")),
			required(once("stage", whole(1, maxStages, ""), curators(), "")),
			merge.Field{Name: "items", Policy: merge.Each, Max: maxItems, Doc: "points by item of the stage", Item: fields(
				latest("points", whole(0, 1000, "points"), curators(), ""))},
			latest("level", whole(0, 4, "level"), curators(), "in a stage of levels: instead of the survey's; the note says why"),
			latest("note", text(0, 2000), curators(), ""),
			latest("recommendation", enum("select", "reserve", "turn_down"), curators(), ""),
			latest("conflict", truth(), curators(), "the curator has an interest of their own and must not be counted"),
			server("state", enum(SheetDraft, SheetSubmitted), "replayed"),
			server("submitted_at", instant(), "by the corrected clock"),
			server("opened", whole(0, 1000, "times"), "that an admin opened it again"),
		),
	}
}

// sheetEvent is one operation on a sheet.
func sheetEvent() *merge.Collection {
	people := []merge.Role{merge.Curator, merge.Admin}
	return &merge.Collection{
		Name: "sheet_event", Scope: ScopePanel, Doc: "operations on sheets", Create: people, Immutable: true, Parent: "sheet", ParentField: "sheet_id", Judge: judgeSheet, Fields: fields(
			required(once("sheet_id", ref("sheet"), people, "")),
			required(once("op", enum(sheetMachine().ops()...), people, "")),
			once("reason_code", form(`^[a-z0-9_]{1,40}$`, 40), people, "with reopen: this or a note"),
			once("note", text(1, 2000), people, ""),
		),
	}
}

// sheetMachine is the machine of sheets. A submission beside a reopening that it has not
// seen stands: the curator said once more that it is done.
func sheetMachine() machine {
	return machine{rules: []opRule{
		{op: "submit", from: []string{SheetDraft}, to: SheetSubmitted, who: curators()},
		{op: "reopen", from: []string{SheetSubmitted}, to: SheetDraft, who: []merge.Role{merge.Admin}, reason: true, online: true, overrule: true},
	}}
}

// allowSheet keeps one sheet for a curator, a file and a stage, and locks it while it is
// submitted.
func allowSheet(a merge.Attempt) *merge.Reject {
	if a.Create {
		if a.ID != SheetID(merge.AsString(a.Set["application_id"]), int(merge.AsInt(a.Set["stage"])), a.Author) {
			return refuse("invalid_value", "id")
		}
		return nil
	}
	if sheetMachine().state(a.Operations("sheet_event", a.ID), SheetDraft) == SheetSubmitted {
		return refuse("locked", "")
	}
	return nil
}

// judgeSheet asks whoever puts another level in the place of the survey's to say why, and for
// every point of a stage that gives points: a sheet without would count nowhere, and be locked.
func judgeSheet(j merge.Judgement) *merge.Reject {
	if merge.AsString(j.Set["op"]) == "submit" {
		if j.Parent.Fields["level"] != nil && strings.TrimSpace(j.Parent.Text("note")) == "" {
			return refuse("reason_required", "note")
		}
		if item := lacking(j, j.Parent); item != "" {
			return refuse("sheet_incomplete", "items."+item)
		}
	}
	return sheetMachine().legal(j, sheetMachine().state(j.Seen, SheetDraft))
}

// lacking is the first item of which a sheet has no point in its range, as the dossier asks;
// "" where none lacks. A stage of levels has no points, nor has who declares an interest to give
// any; what nobody gave the curator asks for nothing.
func lacking(v merge.View, sheet merge.Row) string {
	no := int(sheet.Int("stage"))
	asks, ok := v.Row("dossier", id.Derive("dossier", sheet.Text("application_id"), stageKey(no)))
	if !ok || !merge.Null(asks.Fields["level"]) || string(sheet.Fields["conflict"]) == "true" {
		return ""
	}
	stage := Stage{No: no}
	decode(asks.Fields["items"], &stage.Items)
	item, _ := stage.unanswered(Points(sheet))
	return item
}

func deriveSheet(v merge.View, r merge.Row) merge.Derived {
	ops := v.Operations("sheet_event", r.ID)
	d := merge.Derived{Operations: sheetMachine().derived("sheet_event", ops), Fields: map[string]merge.Value{
		"state": merge.Str(sheetMachine().state(ops, SheetDraft)), "submitted_at": nil, "opened": nil}}
	opened := 0
	for _, o := range ops {
		if o.Text("op") == "reopen" {
			opened++
		}
	}
	if opened > 0 {
		d.Fields["opened"] = merge.Num(opened)
	}
	if top, ok := sheetMachine().top(ops, ""); ok && top.Text("op") == "submit" {
		d.Fields["submitted_at"] = top.Fields["created_at"]
	}
	return d
}

// StepScore carries a sheet to where the programme is decided.
const StepScore = "follow_sheet"

func reactSheet(c merge.Change) []merge.Effect {
	said := func(r merge.Row) string { return r.Text("state") + " " + string(r.Fields["conflict"]) } // a conflict of interest is heard before the sheet is in
	if said(c.Before) == said(c.After) {
		return nil
	}
	return []merge.Effect{{Scope: c.Scope(), Collection: "sheet", ID: c.After.ID, Do: StepScore}}
}

// Points reads what a sheet gives, by item.
func Points(sheet merge.Row) map[string]int { return pointsOf(sheet.Fields["items"]) }

// blind leaves out of a dossier what would say who it is.
func blind(set map[string]merge.Value) {
	for _, name := range []string{"number", "business_name"} {
		set[name] = orNull(nil)
	}
}

// reactPanelMember lets a curator into their panel, or ends that.
func reactPanelMember(c merge.Change) []merge.Effect {
	set := map[string]merge.Value{"user_id": c.After.Fields["user_id"], "from_at": orNull(c.After.Fields["from_at"]), "to_at": orNull(c.After.Fields["to_at"])}
	return []merge.Effect{{Scope: PanelScope(scopeID(c), c.After.Text("user_id")), Collection: "panel_window", ID: c.After.ID, Mirror: true, Set: set}}
}

// reactFileShare puts a copy of a file into the scope of the curator who got it, and leaves
// nothing of it there once it is taken back.
func reactFileShare(c merge.Change) []merge.Effect {
	no := int(c.After.Int("stage"))
	copied := func(set map[string]merge.Value) merge.Effect {
		return merge.Effect{Scope: PanelScope(scopeID(c), c.After.Text("curator_id")), Collection: "dossier", ID: id.Derive("dossier", c.After.Text("application_id"), stageKey(no)), Mirror: true, Set: set}
	}
	if at := c.After.Fields["ended_at"]; !merge.Null(at) && merge.Null(c.Before.Fields["ended_at"]) {
		set := map[string]merge.Value{"application_id": c.After.Fields["application_id"], "stage": merge.Num(no), "taken_at": at}
		for _, name := range append(copiedFields(), "items", "level", "due_at") {
			set[name] = orNull(nil)
		}
		return []merge.Effect{copied(set)}
	}
	file, ok := c.Row("case_file", c.After.Text("application_id"))
	setup, there := c.Row("programme_setup", scopeID(c))
	if !c.New || !ok || !there {
		return nil
	}
	stages := ProgrammeOf(setup).Stages
	i := slices.IndexFunc(stages, func(s Stage) bool { return s.No == no })
	if i < 0 {
		return nil
	}
	set := map[string]merge.Value{"application_id": merge.Str(file.ID), "stage": merge.Num(no), "items": merge.Encode(stages[i].Items), "due_at": orNull(c.After.Fields["due_at"])}
	for _, name := range copiedFields() {
		set[name] = orNull(file.Fields[name])
	}
	if stages[i].Kind == StageLevel {
		set["level"] = merge.Num(stages[i].LevelOf(file).Level)
	}
	if stages[i].Blind {
		blind(set)
	}
	return append([]merge.Effect{copied(set)}, keepApart(c)...)
}

// copiedFields are those of a case file that its copy has.
func copiedFields() []string {
	return []string{"number", "business_name", "region_code", "category", "size_class", "answers", "survey"}
}
