// Package otlp sends spans as OpenTelemetry's protocol over HTTP wants them: one POST of
// one protobuf message to /v1/traces. It is written by hand, since the message has five
// parts and the libraries that make it bring gRPC along.
package otlp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/lumbung-ikm/lumbung/trace"
)

// Sender sends spans to a collector.
type Sender struct {
	Endpoint string // such as http://127.0.0.1:4318; /v1/traces is put behind it
	Version  string // of the program
	Client   *http.Client
}

// New makes a sender whose requests take no longer than ten seconds.
func New(endpoint, version string) *Sender {
	return &Sender{Endpoint: strings.TrimSuffix(endpoint, "/"), Version: version, Client: &http.Client{Timeout: 10 * time.Second}}
}

// Send keeps the promise of trace.Sender.
func (s *Sender) Send(ctx context.Context, spans []trace.Finished) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint+"/v1/traces", bytes.NewReader(s.encode(spans)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := s.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answers %d", resp.StatusCode)
	}
	return nil
}

// Numbers of the fields of opentelemetry/proto/trace/v1/trace.proto and common.proto.
const (
	resourceSpans                                     = 1    // of ExportTraceServiceRequest
	theResource, scopeSpans                           = 1, 2 // of ResourceSpans
	resourceAttributes                                = 1    // of Resource
	theScope, theSpans                                = 1, 2 // of ScopeSpans
	scopeName                                         = 1    // of InstrumentationScope
	traceID, spanID, parentID, spanName, spanKind     = 1, 2, 4, 5, 6
	spanStart, spanEnd, spanAttributes, spanStatus    = 7, 8, 9, 15
	statusCode, statusError                           = 3, 2
	attributeKey, attributeValue, textValue, intValue = 1, 2, 1, 3
)

func (s *Sender) encode(spans []trace.Finished) []byte {
	var resource []byte
	for _, a := range []trace.Attribute{{Key: "service.name", Text: "lumbung"}, {Key: "service.version", Text: s.Version}} {
		resource = part(resource, resourceAttributes, attribute(a))
	}
	group := part(nil, theScope, part(nil, scopeName, []byte("lumbung")))
	for i := range spans {
		group = part(group, theSpans, span(&spans[i]))
	}
	return part(nil, resourceSpans, part(part(nil, theResource, resource), scopeSpans, group))
}

func span(f *trace.Finished) []byte {
	b := part(part(nil, traceID, f.Trace[:]), spanID, f.Span[:])
	if f.Parent != (trace.SpanID{}) {
		b = part(b, parentID, f.Parent[:])
	}
	b = part(b, spanName, []byte(f.Name))
	b = number(b, spanKind, uint64(f.Kind))
	b = instant(instant(b, spanStart, f.Began), spanEnd, f.End)
	for _, a := range f.Attributes {
		b = part(b, spanAttributes, attribute(a))
	}
	if f.Failed {
		b = part(b, spanStatus, number(nil, statusCode, statusError))
	}
	return b
}

func attribute(a trace.Attribute) []byte {
	value := part(nil, textValue, []byte(a.Text))
	if a.Text == "" {
		value = number(nil, intValue, uint64(a.Number)) // two's complement, as int64 is written
	}
	return part(part(nil, attributeKey, []byte(a.Key)), attributeValue, value)
}

func part(b []byte, field protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
}

func number(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func instant(b []byte, field protowire.Number, t time.Time) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), uint64(t.UnixNano()))
}
