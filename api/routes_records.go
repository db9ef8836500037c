package api

import (
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (s *Server) record(x *call) error {
	r, err := s.Programme.Record(x.ctx, x.caller(), x.Params("business"), x.Params("collection"), x.Params("id"))
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, recordOf(r), r.Version)
}

func (s *Server) changeRecord(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.RecordChange
	if err := x.read(&in); err != nil {
		return err
	}
	r, err := s.Programme.ChangeRecord(x.ctx, x.caller(), x.Params("business"), x.Params("collection"), x.Params("id"), v,
		programme.RecordChange{Set: valuesOf(in.Set), Add: in.Add, Remove: in.Remove})
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusOK, recordOf(r), r.Version)
}

func (s *Server) operateTask(x *call) error {
	return s.operateOnline(x, "task_event", x.Params("task"), func(in wire.OnlineOperation, o *programme.Operation) error {
		o.Along = valuesOf(in.Patch)
		for name := range in.Patch {
			if in.Op != "return" || name != "due_on" {
				return &fault.Error{Kind: fault.Invalid, Code: "patch_unexpected", Field: "patch." + name, Text: "only a new due date, with return"}
			}
		}
		return nil
	})
}

func (s *Server) operateCase(x *call) error {
	return s.operateOnline(x, "case_event", x.Params("case"), func(in wire.OnlineOperation, o *programme.Operation) error {
		for name, v := range valuesOf(in.Patch) {
			_, said := o.Set[name]
			switch {
			case said || name == "case_id" || name == "seen" || name == "from":
				return &fault.Error{Kind: fault.Invalid, Code: "patch_unexpected", Field: "patch." + name, Text: "not a part of the patch"}
			case name == "result" && in.Op == "confirm_issue":
				o.Along = map[string]merge.Value{name: v}
			default:
				o.Set[name] = v
			}
		}
		return nil
	})
}

func (s *Server) operateApplication(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.ApplicationOperation
	if err := x.read(&in); err != nil {
		return err
	}
	set := said("op", in.Op, in.ReasonCode, in.Note)
	if !in.CompleteBy.IsZero() {
		set["complete_by"] = merge.Millis(in.CompleteBy.UnixMilli()).Value()
	}
	out, a, err := s.Programme.OperateApplication(x.ctx, x.caller(), x.Params("business"), v, programme.Operation{Parent: x.Params("application"), Set: set})
	if err != nil {
		return err
	}
	if a.ID != "" {
		x.saw(a.ID)
		return x.json(fiber.StatusAccepted, approvalOf(a))
	}
	return x.tagged(fiber.StatusCreated, wire.OperationOutcome{Id: out.ID, Outcome: out.Outcome, Record: recordOf(out.Record)}, out.Record.Version)
}

// operateOnline reads an operation and carries it out; patch puts the rest of the
// request in its place.
func (s *Server) operateOnline(x *call, collection, parent string, patch func(wire.OnlineOperation, *programme.Operation) error) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.OnlineOperation
	if err := x.read(&in); err != nil {
		return err
	}
	o := programme.Operation{Collection: collection, Parent: parent, Set: said("op", in.Op, in.ReasonCode, in.Note)}
	if len(in.EvidenceIds) > 0 {
		o.Set["evidence_ids"] = merge.Encode(in.EvidenceIds)
	}
	if err := patch(in, &o); err != nil {
		return err
	}
	return s.operate(x, v, o)
}

func (s *Server) adjustSale(x *call) error {
	v, err := x.ifMatch()
	if err != nil {
		return err
	}
	var in wire.OnlineAdjustment
	if err := x.read(&in); err != nil {
		return err
	}
	o := programme.Operation{Collection: "sale_adjustment", Parent: x.Params("entry"), Set: said("kind", in.Op, in.ReasonCode, in.Note)}
	if in.RefundIdr != 0 {
		o.Set["refund_idr"] = merge.Num(in.RefundIdr)
	}
	if len(in.Patch) > 0 {
		o.Set["patch"] = merge.Encode(in.Patch)
	}
	return s.operate(x, v, o)
}

func (s *Server) operate(x *call, v programme.Version, o programme.Operation) error {
	out, err := s.Programme.Operate(x.ctx, x.caller(), x.Params("business"), v, o)
	if err != nil {
		return err
	}
	return x.tagged(fiber.StatusCreated, wire.OperationOutcome{Id: out.ID, Outcome: out.Outcome, Record: recordOf(out.Record)}, out.Record.Version)
}

// said is what every operation says.
func said(field, op, reason, note string) map[string]merge.Value {
	set := map[string]merge.Value{field: merge.Str(op)}
	if reason != "" {
		set["reason_code"] = merge.Str(reason)
	}
	if note != "" {
		set["note"] = merge.Str(note)
	}
	return set
}

func valuesOf(raw map[string]json.RawMessage) map[string]merge.Value {
	out := make(map[string]merge.Value, len(raw))
	for name, v := range raw {
		out[name] = v
	}
	return out
}

func recordOf(r programme.Record) wire.BusinessRecord {
	return wire.BusinessRecord{Collection: r.Collection, Id: r.ID, Version: int64(r.Row.Version), Etag: etag(r.Version), Fields: r.Fields}
}
