package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

// request is one request to the API, which may be sent more than once.
type request struct {
	method, path string
	media        string // type of the body
	body         []byte
	tag          string // for If-Match; may be empty
	key          string // for Idempotency-Key; may be empty
	any          bool   // the same errand whatever version is there by now: it changes that itself
	replayed     *bool  // where to note that the answer is the stored one of an earlier request; may be nil
}

// asJSON is a request with a JSON body.
func asJSON(method, path string, in any) (request, error) {
	b, err := json.Marshal(in)
	return request{method: method, path: path, media: "application/json", body: b}, err
}

// get is a request that changes nothing.
func get(path string) request { return request{method: http.MethodGet, path: path} }

// mostAnswer bounds what is read of one answer, in bytes.
const mostAnswer = 16 << 20

// inProgress is how often a request is sent while the server works on an earlier one with its
// key: for as long as it can.
const inProgress = 60

// send makes a request as who is logged in, and reads its answer into out, which may be
// nil. It gets fresh tokens where they have aged, asks for a code where the server wants
// one, and waits where the server is at work on the same request.
//
// Errors: those of load, renew and stepUp; *refusal; Transient "server_unreachable",
// "answer_foreign": nobody knows what became of the request.
func (d *desk) send(ctx context.Context, r request, out any) error {
	s, err := d.load()
	if err != nil {
		return err
	}
	var renewed, proved bool
	for waited := 0; ; {
		err := d.do(ctx, s.Server, s.Access, r, out)
		switch {
		case aged(err) && !renewed:
			renewed = true
			if s, err = d.renew(ctx, s); err != nil {
				return err
			}
		case codeOf(err) == "step_up_required" && !proved:
			proved, renewed = true, false // a person may think for longer than a token lives
			if s, err = d.stepUp(ctx, s); err != nil {
				return err
			}
		case codeOf(err) == "in_progress" && waited < inProgress:
			waited++
			if err := wait(ctx, after(err)); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// after is when the server wants to be asked again.
func after(err error) time.Duration {
	if r, ok := errors.AsType[*refusal](err); ok && r.RetryAfter > 0 {
		return time.Duration(r.RetryAfter) * time.Second
	}
	return time.Second
}

// do sends a request once.
func (d *desk) do(ctx context.Context, server, token string, r request, out any) error {
	req, err := http.NewRequestWithContext(ctx, r.method, server+r.path, bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Content-Type": r.media, "If-Match": r.tag, "Idempotency-Key": r.key, "Accept-Language": string(d.lang)} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := d.web.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return unreachable(err)
	}
	if r.replayed != nil {
		*r.replayed = resp.Header.Get("Idempotent-Replayed") == "true"
	}
	return understood(resp, body, out)
}

// understood reads an answer. What is not in the form of the API was said by somebody on
// the way, such as a proxy or a portal.
func understood(resp *http.Response, body []byte, out any) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= http.StatusBadRequest:
		var r refusal
		if kind == "application/problem+json" && json.Unmarshal(body, &r.Problem) == nil && r.Code != "" {
			r.Status = resp.StatusCode
			return &r
		}
		if resp.StatusCode >= http.StatusInternalServerError {
			return unreachable(errors.New(resp.Status))
		}
	case resp.StatusCode == http.StatusNoContent && out == nil:
		return nil
	case resp.StatusCode < http.StatusMultipleChoices && kind == "application/json":
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(body, out); err != nil {
			return foreign("an answer that does not read", err)
		}
		return nil
	}
	return foreign(resp.Status+" "+kind, nil)
}

func unreachable(cause error) error {
	return &fault.Error{Kind: fault.Transient, Code: "server_unreachable", Text: "no answer", Cause: cause}
}

func foreign(text string, cause error) error {
	return &fault.Error{Kind: fault.Transient, Code: "answer_foreign", Text: text, Cause: cause}
}
