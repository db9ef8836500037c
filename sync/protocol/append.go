package protocol

import (
	"maps"
	"slices"
	"strconv"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// AppendJSON appends the answer as encoding/json would write it, many times as fast:
// the values of rows are JSON already, and encoding/json reads each of them once more.
func (r *Response) AppendJSON(b []byte) []byte {
	b = merge.AppendText(append(b, `{"now":`...), r.Now)
	b = appendList(b, `,"verdicts":`, r.Verdicts, (*Verdict).append)
	b = appendTexts(b, `,"purge":`, r.Purge)
	b = appendTexts(b, `,"reset":`, r.Reset)
	if r.Fresh {
		b = append(b, `,"fresh":true`...)
	}
	b = appendTexts(b, `,"granted":`, r.Granted)
	b = appendList(b, `,"changes":`, r.Changes, (*Row).append)
	b = appendScopes(b, r.Scopes)
	if r.Cursor != "" {
		b = merge.AppendText(append(b, `,"cursor":`...), r.Cursor)
	}
	if r.More {
		b = append(b, `,"more":true`...)
	}
	b = strconv.AppendInt(append(b, `,"poll_after_s":`...), int64(r.PollIn), 10)
	if r.Backup != nil {
		b = strconv.AppendUint(append(b, `,"backup":{"epoch":`...), r.Backup.Epoch, 10)
		b = append(strconv.AppendUint(append(b, `,"done":`...), r.Backup.Done, 10), '}')
	}
	if r.Upgrade != nil {
		b = append(merge.AppendText(append(b, `,"upgrade":{"min":`...), r.Upgrade.Min), '}')
	}
	return append(b, '}')
}

// Size is about how long AppendJSON is.
func (r *Response) Size() int {
	n := 512 + 400*len(r.Verdicts)
	for i := range r.Changes {
		n += len(r.Changes[i].Fields) + 220
	}
	for i := range r.Verdicts {
		if row := r.Verdicts[i].Record; row != nil {
			n += len(row.Fields) + 220
		}
	}
	return n + len(r.Cursor) + 200*len(r.Scopes)
}

func (v *Verdict) append(b []byte) []byte {
	b = merge.AppendText(append(b, `{"scope":`...), v.Scope)
	b = merge.AppendText(append(b, `,"device":`...), v.Device)
	b = merge.AppendText(append(b, `,"incarnation":`...), v.Incarnation)
	if v.N != 0 {
		b = strconv.AppendUint(append(b, `,"n":`...), v.N, 10)
	}
	if v.Index != nil {
		b = strconv.AppendInt(append(b, `,"index":`...), int64(*v.Index), 10)
	}
	b = merge.AppendText(append(b, `,"verdict":`...), string(v.Verdict))
	if v.Seq != 0 {
		b = strconv.AppendUint(append(b, `,"seq":`...), uint64(v.Seq), 10)
	}
	if v.Repeated {
		b = append(b, `,"repeated":true`...)
	}
	b = appendTexts(b, `,"lost":`, v.Lost)
	b = appendTexts(b, `,"ignored":`, v.Ignored)
	b = appendTexts(b, `,"journal":`, v.Journal)
	if v.Code != "" {
		b = merge.AppendText(append(b, `,"code":`...), v.Code)
	}
	if v.Field != "" {
		b = merge.AppendText(append(b, `,"field":`...), v.Field)
	}
	if v.Message != nil {
		b = merge.AppendText(append(b, `,"message":{"id":`...), v.Message.ID)
		b = append(merge.AppendText(append(b, `,"en":`...), v.Message.EN), '}')
	}
	if v.Quarantine != "" {
		b = merge.AppendText(append(b, `,"quarantine":`...), v.Quarantine)
	}
	if v.Record != nil {
		b = v.Record.append(append(b, `,"record":`...))
	}
	return append(b, '}')
}

func (r *Row) append(b []byte) []byte {
	b = merge.AppendText(append(b, `{"scope":`...), r.Scope)
	b = merge.AppendText(append(b, `,"collection":`...), r.Collection)
	b = merge.AppendText(append(b, `,"id":`...), r.ID)
	b = strconv.AppendUint(append(b, `,"version":`...), uint64(r.Version), 10)
	if len(r.Fields) > 0 {
		b = append(append(b, `,"fields":`...), r.Fields...)
	}
	if r.Deleted {
		b = append(b, `,"deleted":true`...)
	}
	return append(b, '}')
}

func appendScopes(b []byte, scopes map[string]Scope) []byte {
	if len(scopes) == 0 {
		return b
	}
	b = append(b, `,"scopes":{`...)
	for i, name := range slices.Sorted(maps.Keys(scopes)) {
		s := scopes[name]
		if i > 0 {
			b = append(b, ',')
		}
		b = merge.AppendText(append(merge.AppendText(b, name), `:{"generation":`...), s.Generation)
		b = strconv.AppendUint(append(b, `,"seq":`...), uint64(s.Seq), 10)
		if s.Hash != "" {
			b = merge.AppendText(append(b, `,"hash":`...), s.Hash)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendList appends a list under its name, unless it is empty.
func appendList[T any](b []byte, name string, all []T, one func(*T, []byte) []byte) []byte {
	if len(all) == 0 {
		return b
	}
	b = append(append(b, name...), '[')
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(&all[i], b)
	}
	return append(b, ']')
}

func appendTexts(b []byte, name string, all []string) []byte {
	return appendList(b, name, all, func(s *string, b []byte) []byte { return merge.AppendText(b, *s) })
}
