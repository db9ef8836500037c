package api

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (s *Server) handover(x *call) error {
	var in wire.Handover
	if err := x.read(&in); err != nil {
		return err
	}
	x.named(append([]string{in.ToId}, in.Businesses...)...)
	j, err := s.Programme.Handover(x.ctx, x.caller(), x.Params("mentor"), programme.Handover{To: in.ToId, At: some(in.At), Reason: in.Reason, Note: in.Note, Beyond: in.BeyondCapacity,
		Businesses: in.Businesses})
	if err != nil {
		return err
	}
	x.sawJob(j)
	x.Set(fiber.HeaderLocation, "/v1/jobs/"+j.ID)
	return x.json(fiber.StatusAccepted, jobOf(j, x.lang))
}

func (s *Server) job(x *call) error {
	j, err := s.Programme.Job(x.ctx, x.caller(), x.Params("job"))
	if err != nil {
		return err
	}
	x.sawJob(j)
	return x.json(fiber.StatusOK, jobOf(j, x.lang))
}

// sawJob notes whom a job is about, as far as its steps say.
func (x *call) sawJob(j programme.Job) {
	x.saw(j.ID)
	for _, st := range j.Steps {
		x.saw(st.Business)
	}
}

func jobOf(j programme.Job, lang message.Lang) wire.Job {
	var out []domain.RowError
	left := 0
	for _, st := range j.Steps {
		out, left = append(out, st.Out...), left+st.Left
	}
	shown := out[:min(len(out), mostRowProblems)]
	return wire.Job{Left: left, Errors: each(shown, func(w domain.RowError) wire.RowProblem { return rowProblem(w, lang) }), MoreErrors: len(out) - len(shown), Id: j.ID, Kind: j.Text("kind"), Total: int64(len(j.Steps)), Waiting: int64(j.Count(domain.StepWaiting)), Done: int64(j.Count(domain.StepDone)),
		Failed: int64(j.Count(domain.StepFailed)), Steps: each(j.Steps, func(st programme.JobStep) wire.JobStep {
			return wire.JobStep{BusinessId: st.Business, No: st.No, Rows: st.Rows, Unchanged: st.Unchanged, Left: st.Left, State: st.State, Code: st.Code}
		})}
}

// reference answers with a whole list, or with what goes by a name in it; or
// says that the caller has it as it is.
func (s *Server) reference(x *call) error {
	name := x.Query("name")
	if len(name) > 120 {
		return badQuery("name")
	}
	list := s.Programme.Reference
	if name != "" {
		list = func(ctx context.Context, l string) (programme.Reference, error) {
			return s.Programme.FindReference(ctx, l, name)
		}
	}
	l, err := list(x.ctx, x.Params("list"))
	if err != nil {
		return err
	}
	x.Set(fiber.HeaderCacheControl, "private, no-cache")
	if x.Get(fiber.HeaderIfNoneMatch) == etag(l.At) {
		x.Set(fiber.HeaderETag, etag(l.At))
		x.Status(fiber.StatusNotModified)
		return nil
	}
	return x.tagged(fiber.StatusOK, wire.ReferenceList{List: l.List, Version: int64(l.Version), Entries: each(l.Entries, entryOf)}, l.At)
}

func (s *Server) addReference(x *call) error {
	var in wire.NewReferenceEntry
	if err := x.read(&in); err != nil {
		return err
	}
	fields, err := canonical(in.Fields)
	if err != nil {
		return err
	}
	e, err := s.Programme.AddReference(x.ctx, x.caller(), x.Params("list"), in.Code, fields)
	if err != nil {
		return err
	}
	x.Set(fiber.HeaderLocation, "/v1/reference/"+x.Params("list")+"/"+url.PathEscape(in.Code))
	return x.tagged(fiber.StatusCreated, entryOf(e), e.Version)
}

func (s *Server) changeReference(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.ReferenceChange
	if err := x.read(&in); err != nil {
		return err
	}
	code, err := url.PathUnescape(x.Params("code"))
	if err != nil {
		return notFound()
	}
	fields, err := canonical(in.Fields)
	if err != nil {
		return err
	}
	e, err := s.Programme.ChangeReference(x.ctx, x.caller(), x.Params("list"), code, v, fields)
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, entryOf(e), e.Version)
}

// canonical writes values as they are kept.
//
// Errors: Invalid "invalid_value" with the field.
func canonical(fields map[string]json.RawMessage) (map[string]merge.Value, error) {
	out := map[string]merge.Value{}
	for name, raw := range fields {
		v, err := merge.Canonical(raw)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "fields." + name, Text: "not a value"}
		}
		out[name] = v
	}
	return out, nil
}

func entryOf(e programme.Entry) wire.ReferenceEntry {
	return wire.ReferenceEntry{Code: e.Text("code"), Etag: etag(e.Version), Fields: e.Fields}
}
