package domain

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// States of a document of a case.
const (
	DocumentMissing  = "missing"
	DocumentGiven    = "given"
	DocumentAccepted = "accepted"
	DocumentReturned = "returned"
)

func documentStateNames() []string {
	return []string{DocumentMissing, DocumentGiven, DocumentAccepted, DocumentReturned}
}

// DocumentVersion is one file that was given as a document. What a mentor said
// of it stays with it, whatever is given later.
type DocumentVersion struct {
	Version int    `json:"version"` // 1 the first
	File    string `json:"file_id"`
	State   string `json:"state"`
}

// Document is one document of a case; its state is that of its newest version.
type Document struct {
	Code     string            `json:"code"`
	State    string            `json:"state"`
	Versions []DocumentVersion `json:"versions"`
}

// CaseDocuments replays what was given, accepted and returned: the documents of
// the kind first, then others by code.
func CaseDocuments(kind CaseKind, operations []merge.Row) []Document {
	var codes, more []string
	for _, d := range kind.Documents {
		codes = append(codes, d.Code)
	}
	for _, o := range operations {
		if d := o.Text("document"); o.Text("op") == "give" && !slices.Contains(codes, d) && !slices.Contains(more, d) {
			more = append(more, d)
		}
	}
	slices.Sort(more)
	out := []Document{}
	for _, code := range append(codes, more...) {
		out = append(out, documentOf(code, operations))
	}
	return out
}

func documentOf(code string, operations []merge.Row) Document {
	d := Document{Code: code, State: DocumentMissing, Versions: []DocumentVersion{}}
	for i, give := range versions(code, operations) {
		v := DocumentVersion{Version: i + 1, File: give.Text("file_id"), State: DocumentGiven}
		if top, ok := caseMachine().top(operations, tag("verdict", code, v.File)); ok {
			v.State = DocumentAccepted
			if top.Text("op") == "return_document" {
				v.State = DocumentReturned
			}
		}
		d.State = v.State
		d.Versions = append(d.Versions, v)
	}
	return d
}

// versions gives the operations that gave the files of a document, each file
// once: a file behind those that its giver had seen, else by (stamp, id).
func versions(code string, operations []merge.Row) []merge.Row {
	var left, out []merge.Row
	for _, o := range operations {
		if o.Text("op") != "give" || o.Text("document") != code {
			continue
		}
		if first, _ := caseMachine().top(operations, caseLane(o)); first.ID == o.ID {
			left = append(left, o)
		}
	}
	slices.SortFunc(left, merge.EarlierOperation)
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(o merge.Row) bool {
			seen, _ := merge.Closure(operations, o.Strings("seen"))
			return !slices.ContainsFunc(left, func(b merge.Row) bool { return b.ID != o.ID && seen[b.ID] })
		})
		i = max(i, 0) // nobody has seen what saw them
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return out
}

// open reports whether a document without which nothing is filed is not
// accepted.
func documentsOpen(kind CaseKind, operations []merge.Row) bool {
	return slices.ContainsFunc(kind.needed(), func(code string) bool { return documentOf(code, operations).State != DocumentAccepted })
}
