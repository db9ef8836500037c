package api

import (
	"bytes"
	"mime"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/report"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// importPath is what the addresses that take a table end in.
const importPath = "/imports"

// mostRowProblems is how many mistakes of a table are told of at once.
const mostRowProblems = 1000

// table reads the table that a request brings.
//
// Errors: Unsupported "media_type_unsupported"; those of report.ReadTable.
func (x *call) table() (programme.Rows, error) {
	t, _, err := mime.ParseMediaType(x.Get(fiber.HeaderContentType))
	switch t {
	case "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/octet-stream",
		"application/vnd.ms-excel": // what browsers on Windows with Excel say of .csv
	default:
		err = fiber.ErrUnsupportedMediaType
	}
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unsupported, Code: "media_type_unsupported", Text: "want CSV or XLSX"}
	}
	body := x.Request().Body()
	got, err := report.ReadTable(x.ctx, bytes.NewReader(body), int64(len(body)), report.Options{Sheet: x.Query("sheet")})
	if err != nil {
		return nil, err
	}
	return got.Rows(), nil
}

func (s *Server) checkImport(x *call) error {
	return s.reading(x, func(table programme.Table) error {
		in, err := s.Programme.CheckImport(x.ctx, x.caller(), x.Params("programme"), table)
		if err != nil {
			return err
		}
		return x.json(fiber.StatusOK, reportOf(in, x.lang))
	})
}

func (s *Server) importRegistrants(x *call) error {
	return s.reading(x, func(table programme.Table) error {
		j, in, err := s.Programme.Import(x.ctx, x.caller(), x.Params("programme"), table)
		if err != nil {
			return err
		}
		out := reportOf(in, x.lang)
		if j.ID == "" {
			return x.json(fiber.StatusOK, out)
		}
		x.sawJob(j)
		out.Job = jobOf(j, x.lang)
		x.Set(fiber.HeaderLocation, "/v1/jobs/"+j.ID)
		return x.json(fiber.StatusAccepted, out)
	})
}

func reportOf(in domain.Import, lang message.Lang) wire.ImportReport {
	shown := slices.Concat(in.Header, in.Rejected[:min(len(in.Rejected), mostRowProblems)])
	told := func(w domain.RowError) wire.RowProblem { return rowProblem(w, lang) }
	return wire.ImportReport{Read: in.Read, Accepted: in.Accepted, Unchanged: in.Unchanged, Refused: in.Refused, Ignored: in.Ignored, MoreErrors: len(in.Header) + in.Errors - len(shown),
		Errors: each(shown, told), Warnings: each(in.Warnings, told), Drafts: each(in.Drafts[:min(len(in.Drafts), mostRowProblems)], told), MoreDrafts: max(0, len(in.Drafts)-mostRowProblems)}
}

func rowProblem(w domain.RowError, lang message.Lang) wire.RowProblem {
	return wire.RowProblem{Line: w.Line, Column: w.Column, Field: w.Field, Code: w.Code, Message: message.Text(w.Code, lang, w.Params).String()}
}

func (s *Server) caseFile(x *call) error {
	d, err := s.Programme.File(x.ctx, x.caller(), x.Params("programme"), x.Params("file"))
	if err != nil {
		return err
	}
	return x.dossier(d)
}

func (s *Server) adviseOwner(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.Advice
	if err := x.read(&in); err != nil {
		return err
	}
	d, err := s.Programme.Advise(x.ctx, x.caller(), x.Params("programme"), x.Params("file"), v, in.Feedback)
	if err != nil {
		return err
	}
	return x.dossier(d)
}

// dossier answers with one file, of which the trail says that it was seen.
func (x *call) dossier(d programme.Dossier) error {
	x.saw(d.ID, d.Text("owner_id"), d.Text("business_id"))
	return x.tagged(fiber.StatusOK, wire.CaseFile{Id: d.ID, Fields: d.Fields}, d.Version)
}

// ofFiles reads which case files are asked for: of a state, of a regency or city, of a
// category.
//
// Errors: Unreadable "query_invalid" with the parameter that names none.
func (x *call) ofFiles() (keep func(merge.Row) bool, err error) {
	want := map[string]string{}
	if want["state"], err = x.oneOf("state", domain.FileStates()...); err != nil {
		return nil, err
	}
	if want["category"], err = x.oneOf("category", domain.Categories()...); err != nil {
		return nil, err
	}
	if region := x.Query("region"); region != "" {
		if r, err := domain.ParseRegion(region); err != nil || r.Regency() != r {
			return nil, badQuery("region")
		}
		want["region_code"] = region
	}
	return func(r merge.Row) bool {
		for field, value := range want {
			if value != "" && r.Text(field) != value {
				return false
			}
		}
		return true
	}, nil
}

func (s *Server) caseFiles(x *call) error {
	limit, err := x.limit()
	if err != nil {
		return err
	}
	at, err := placeOf(x.Query("after"))
	if err != nil {
		return badQuery("after")
	}
	keep, err := x.ofFiles()
	if err != nil {
		return err
	}
	files, next, more, err := s.Programme.Files(x.ctx, x.caller(), x.Params("programme"), at, limit, keep)
	if err != nil {
		return err
	}
	for _, r := range files {
		x.saw(r.ID, r.Text("owner_id"), r.Text("business_id"))
	}
	out := wire.CaseFileList{Files: each(files, func(r merge.Row) wire.CaseFile { return wire.CaseFile{Id: r.ID, Fields: r.Fields} })}
	if more {
		out.Next = placeText(next)
	}
	return x.json(fiber.StatusOK, out)
}
