package api

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"io"
	"mime"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// Bounds of a JSON body beside its size.
const (
	maxDepth = 32
	maxKeys  = 200 // of one object
)

// read decodes the body of a request into v, strictly: no unknown, repeated or
// differently cased members, no broken UTF-8, no null bytes.
//
// Errors: Unsupported "media_type_unsupported"; Unreadable "body_unreadable";
// Invalid "unknown_field", "invalid_value" with the field.
func (x *call) read(v any) error {
	if err := x.mediaType(); err != nil {
		return err
	}
	body := x.Request().Body()
	if err := scan(body); err != nil {
		return unreadableBody(err)
	}
	return decode(body, v)
}

func (x *call) mediaType() error {
	t, params, err := mime.ParseMediaType(x.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || t != "application/json" || charset != "" && charset != "utf-8" {
		return &fault.Error{Kind: fault.Unsupported, Code: "media_type_unsupported", Text: "want application/json"}
	}
	return nil
}

func decode(body []byte, v any) error {
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var s *json.SemanticError
	if !errors.As(err, &s) {
		return unreadableBody(err)
	}
	f := &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: fieldPath(s.JSONPointer), Text: "wrong type", Cause: err}
	if errors.Is(err, json.ErrUnknownName) {
		f.Code = "unknown_field"
	}
	return f
}

// fieldPath writes "/device/install_id" as "device.install_id".
func fieldPath(p jsontext.Pointer) string {
	var parts []string
	for t := range p.Tokens() {
		parts = append(parts, t[:min(len(t), 64)])
	}
	return strings.Join(parts, ".")
}

var (
	errDeep = errors.New("nested too deeply")
	errWide = errors.New("object has too many members")
	errNull = errors.New("text holds a null byte")
)

// scan reads a body token by token and refuses what no app of ours sends.
func scan(body []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return atEnd(err)
		}
		depth := d.StackDepth()
		if depth > maxDepth {
			return errDeep
		}
		if kind, n := d.StackIndex(depth); kind == '{' && n > 2*maxKeys {
			return errWide
		}
		if t.Kind() == '"' && strings.ContainsRune(t.String(), 0) {
			return errNull
		}
	}
}

// readSync decodes the envelope of a sync request strictly and leaves every
// mutation as it came: what is wrong inside one is that mutation's verdict.
//
// Errors: those of read, for the envelope.
func (x *call) readSync() (protocol.Request, error) {
	var req protocol.Request
	if err := x.mediaType(); err != nil {
		return req, err
	}
	envelope, parts, err := unpack(x.Request().Body())
	if err != nil {
		return req, unreadableBody(err)
	}
	if err := scan(envelope); err != nil {
		return req, unreadableBody(err)
	}
	if err := decode(envelope, &req); err != nil {
		return req, err
	}
	if len(parts) != len(req.Push) {
		return req, unreadableBody(errors.New("push is no list of parts"))
	}
	for i := range req.Push {
		req.Push[i].Mutations = parts[i]
	}
	return req, nil
}

// unpack takes the mutations out of a sync request: envelope is the body with
// empty lists in their places, parts are the elements of those lists.
func unpack(body []byte) (envelope []byte, parts [][]stdjson.RawMessage, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var cut int64 // end of what was copied
	for {
		t, err := d.ReadToken()
		if err != nil {
			return append(envelope, body[cut:]...), parts, atEnd(err)
		}
		if !inPart(d) {
			continue
		}
		if t.Kind() == '{' {
			parts = append(parts, nil)
		}
		if _, n := d.StackIndex(d.StackDepth()); t.Kind() != '"' || n%2 == 0 || t.String() != "mutations" || d.PeekKind() != '[' {
			continue
		}
		if _, err := d.ReadToken(); err != nil {
			return nil, nil, err
		}
		envelope = append(append(envelope, body[cut:d.InputOffset()]...), ']')
		var list []stdjson.RawMessage
		for d.PeekKind() != ']' {
			v, err := d.ReadValue()
			if err != nil {
				return nil, nil, err
			}
			list = append(list, stdjson.RawMessage(bytes.Clone(v)))
		}
		if _, err := d.ReadToken(); err != nil {
			return nil, nil, err
		}
		cut = d.InputOffset()
		parts[len(parts)-1] = list
	}
}

// inPart reports whether d stands directly inside an element of the top-level
// list "push".
func inPart(d *jsontext.Decoder) bool {
	if d.StackDepth() != 3 {
		return false
	}
	for depth, want := range map[int]jsontext.Kind{1: '{', 2: '[', 3: '{'} {
		if kind, _ := d.StackIndex(depth); kind != want {
			return false
		}
	}
	p := d.StackPointer()
	return strings.HasPrefix(string(p), "/push/")
}

// atEnd turns the end of the input into success.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
