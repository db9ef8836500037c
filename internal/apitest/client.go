// Package apitest is an HTTP client for tests that holds every request and
// every answer against openapi.yaml, and remembers which operations and
// statuses it has seen.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	lumbung "github.com/lumbung-ikm/lumbung"
	"github.com/lumbung-ikm/lumbung/api/wire"
)

// Spec is openapi.yaml, read and found to be in order.
type Spec struct{ doc *openapi3.T }

// Load reads the specification that the program embeds.
func Load(ctx context.Context) (*Spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(lumbung.Spec)
	if err != nil {
		return nil, fmt.Errorf("load openapi.yaml: %w", err)
	}
	if err := doc.Validate(ctx); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return &Spec{doc}, nil
}

// Operation is one operation of the specification.
type Operation struct {
	Method, Path string
	Statuses     []string // named ones, without "default"
	Open         bool     // needs no proof of identity
	Body         bool     // takes a JSON body
	Query        []string // names of its parameters there, sorted
	Header       []string // and there
	Gives        []string // media types of its answers, sorted, each once
}

// Operations lists every operation.
func (s *Spec) Operations() []Operation {
	var out []Operation
	for path, item := range s.doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := Operation{Method: method, Path: path, Open: op.Security != nil && len(*op.Security) == 0, Body: op.RequestBody != nil}
			for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
				switch p.Value.In {
				case openapi3.ParameterInQuery:
					o.Query = append(o.Query, p.Value.Name)
				case openapi3.ParameterInHeader:
					o.Header = append(o.Header, p.Value.Name)
				}
			}
			slices.Sort(o.Query)
			slices.Sort(o.Header)
			for _, answer := range op.Responses.Map() {
				o.Gives = slices.AppendSeq(o.Gives, maps.Keys(answer.Value.Content))
			}
			slices.Sort(o.Gives)
			o.Gives = slices.Compact(o.Gives)
			for status := range op.Responses.Map() {
				if status != "default" {
					o.Statuses = append(o.Statuses, status)
				}
			}
			out = append(out, o)
		}
	}
	return out
}

// Everywhere lists the statuses that any operation may give, because what gives
// them stands before every handler: x-everywhere of the response Failure.
func (s *Spec) Everywhere() []string {
	var out []string
	if all, ok := s.doc.Components.Responses["Failure"].Value.Extensions["x-everywhere"].([]any); ok {
		for _, v := range all {
			out = append(out, fmt.Sprint(v))
		}
	}
	return out
}

// Check holds a JSON value against a schema of the specification.
func (s *Spec) Check(schema string, value []byte) error {
	ref := s.doc.Components.Schemas[schema]
	if ref == nil {
		return fmt.Errorf("no schema %s", schema)
	}
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	return ref.Value.VisitJSON(v)
}

// Example is a body for an operation, made of the examples of its members.
func (s *Spec) Example(method, path string) string {
	op := s.doc.Paths.Value(path).GetOperation(method)
	if op == nil || op.RequestBody == nil {
		return ""
	}
	media := op.RequestBody.Value.Content.Get("application/json")
	if media == nil { // a table
		return "{}"
	}
	b, err := json.Marshal(example(media.Schema.Value))
	if err != nil {
		return ""
	}
	return string(b)
}

func example(of *openapi3.Schema) any {
	switch {
	case of.Example != nil:
		return of.Example
	case of.Type.Is("array"):
		return []any{example(of.Items.Value)}
	case of.Type.Is("object"):
		out := map[string]any{}
		for name, member := range of.Properties {
			out[name] = example(member.Value)
		}
		return out
	}
	return of.Default
}

// Members lists the member names that a schema of the specification declares.
func (s *Spec) Members(schema string) []string {
	var out []string
	if ref := s.doc.Components.Schemas[schema]; ref != nil {
		for name := range ref.Value.Properties {
			out = append(out, name)
		}
	}
	return out
}

// route finds the operation of a request.
func (s *Spec) route(r *http.Request) (*routers.Route, map[string]string) {
	got := strings.Split(r.URL.Path, "/")
	for path, item := range s.doc.Paths.Map() {
		want := strings.Split(path, "/")
		params, fits := map[string]string{}, len(want) == len(got)
		for i := 0; fits && i < len(want); i++ {
			if name, ok := strings.CutPrefix(want[i], "{"); ok {
				params[strings.TrimSuffix(name, "}")] = got[i]
				continue
			}
			fits = want[i] == got[i]
		}
		if op := item.GetOperation(r.Method); fits && op != nil {
			return &routers.Route{Spec: s.doc, Path: path, PathItem: item, Method: r.Method, Operation: op}, params
		}
	}
	return nil, nil
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	Spec *Spec
	Via  http.RoundTripper // such as an api.Server
	Seen *Coverage         // may be nil
}

// Request is what to send.
type Request struct {
	Method, Path string
	Body         string // JSON, unless Header says otherwise
	Token        string // access token; may be empty
	Header       map[string]string
	Hostile      bool // breaks the specification on purpose: only the answer is checked
}

// Response is what came back.
type Response struct {
	Status  int
	Header  http.Header
	Body    []byte
	Problem wire.Problem // of a refusal
}

// Into reads the body into v.
func (r Response) Into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("answer does not read: %v\n%s", err, r.Body)
	}
}

// Do sends a request and fails the test if it, or its answer, is not what the
// specification says.
func (c *Client) Do(t testing.TB, in Request) Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), in.Method, "http://lumbung.test"+in.Path, strings.NewReader(in.Body))
	if err != nil {
		t.Fatal(err)
	}
	if in.Body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if in.Token != "" {
		r.Header.Set("Authorization", "Bearer "+in.Token)
	}
	for k, v := range in.Header {
		r.Header.Set(k, v)
	}
	return c.Send(t, r, in.Hostile)
}

// Send is Do for a request of the caller's own making.
func (c *Client) Send(t testing.TB, r *http.Request, hostile bool) Response {
	t.Helper()
	route, params := c.Spec.route(r)
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}}
	if !hostile {
		if route == nil {
			t.Fatalf("%s %s is not in openapi.yaml", r.Method, r.URL.Path)
		}
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
			t.Errorf("request %s %s: %v", r.Method, r.URL.Path, err)
		}
	}
	resp, err := c.Via.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	c.checkAnswer(t, input, out)
	if out.Status >= 400 {
		out.Into(t, &out.Problem)
	}
	if route != nil {
		c.Seen.note(route.Method, route.Path, out.Status)
		if status := strconv.Itoa(out.Status); route.Operation.Responses.Value(status) == nil && !slices.Contains(c.Spec.Everywhere(), status) {
			t.Errorf("%s %s answered %s, which openapi.yaml does not name", route.Method, route.Path, status)
		}
	}
	return out
}

func (c *Client) checkAnswer(t testing.TB, input *openapi3filter.RequestValidationInput, out Response) {
	t.Helper()
	kind := out.Header.Get("Content-Type")
	if out.Status >= 400 {
		if kind != "application/problem+json" {
			t.Errorf("%s %s: %d with %q", input.Request.Method, input.Request.URL.Path, out.Status, kind)
		}
		if err := c.Spec.Check("Problem", out.Body); err != nil {
			t.Errorf("problem of %s %s: %v\n%s", input.Request.Method, input.Request.URL.Path, err, out.Body)
		}
	}
	if input.Route == nil || out.Header.Get("Content-Encoding") != "" {
		return
	}
	answer := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: out.Status, Header: out.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: !strings.Contains(kind, "json")}}
	answer.Body = io.NopCloser(bytes.NewReader(out.Body))
	if err := openapi3filter.ValidateResponse(t.Context(), answer); err != nil {
		t.Errorf("answer %d of %s %s: %v\n%s", out.Status, input.Request.Method, input.Request.URL.Path, err, out.Body)
	}
}
