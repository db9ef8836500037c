package fcmfake

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults. Those behind which the phone has the message nevertheless say so.
const (
	AcceptThenDrop      Kind = "accept_then_drop"      // delivered; the connection is cut before the answer
	UnavailableButTaken Kind = "unavailable_but_taken" // delivered, and answered 503
	Truncated           Kind = "truncated"             // delivered; the answer is half a JSON
	WrongType           Kind = "wrong_type"            // delivered; the answer is a page of HTML with status 200
	DropBeforeAccept    Kind = "drop_before_accept"
	Slow                Kind = "slow" // delivered, after Delay
	Unavailable         Kind = "unavailable"
	Internal            Kind = "internal"
	BadGateway          Kind = "bad_gateway" // 502 with a page of HTML
	Quota               Kind = "quota"
	ThirdPartyAuth      Kind = "third_party_auth"
	BareUnauthorized    Kind = "bare_unauthorized" // 401, 403, 404, 409, 500 and 503 that say nothing of FCM
	BareForbidden       Kind = "bare_forbidden"
	BareNotFound        Kind = "bare_not_found"
	BareAborted         Kind = "bare_aborted"
	BareInternal        Kind = "bare_internal"
	BareUnavailable     Kind = "bare_unavailable"
	GatewayTimeout      Kind = "gateway_timeout"   // 504 with a page of HTML
	BadRequest          Kind = "bad_request"       // 400 of the gate: a field is named that is no token, and FCM is not
	BadTokenText        Kind = "bad_token_text"    // 400 of FCM: the sentence says that the token is none
	BadTokenField       Kind = "bad_token_field"   // 400 of FCM: the sentence is general, the field is that of the token
	BadTokenAtGate      Kind = "bad_token_at_gate" // the same of the gate
)

// Fault is something that goes wrong with calls of messages:send.
type Fault struct {
	Kind       Kind          `json:"kind"`
	Address    string        `json:"address,omitempty"` // of the phone; "" for any
	Nth        int           `json:"nth,omitempty"`     // call, counted from 1; 0 for the next
	Times      int           `json:"times,omitempty"`   // 0 is once, -1 always
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	Delay      time.Duration `json:"delay,omitempty"` // of Slow
}

// Fail has something go wrong.
func (s *Server) Fail(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal lets nothing go wrong any more.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// faultFor finds what goes wrong with a call, and counts it; nil if nothing does.
func (s *Server) faultFor(nth int, m Content) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool {
		return f.Times != 0 && (f.Nth == 0 || f.Nth == nth) && (f.Address == "" || f.Address == m.Token || f.Address == m.FID)
	})
	if i < 0 {
		return nil
	}
	f := *s.faults[i]
	if s.faults[i].Times > 0 {
		s.faults[i].Times--
	}
	return &f
}

// instead answers in the place of the service, if the message is not delivered.
func (f *Fault) instead(w http.ResponseWriter, r *http.Request) (answered bool) {
	if f == nil {
		return false
	}
	page := func(status int) bool {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html><title>Error %d (Server Error)!!1</title></html>", status) // whoever has gone hears nothing
		return true
	}
	invalid := func(text, of, field, why string) bool {
		(&refusal{status: http.StatusBadRequest, code: "INVALID_ARGUMENT", text: text, fcm: of, field: field, why: why}).write(w)
		return true
	}
	fcm := func(status int, code, text, of string) bool {
		(&refusal{status: status, code: code, text: text, fcm: of, retryAfter: f.RetryAfter}).write(w)
		return true
	}
	switch f.Kind {
	case DropBeforeAccept:
		panic(http.ErrAbortHandler)
	case Slow:
		wait := time.NewTimer(f.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done(): // whoever asked has given up; the service has the message all the same
		}
		return false
	case Unavailable:
		return fcm(http.StatusServiceUnavailable, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE")
	case Internal:
		return fcm(http.StatusInternalServerError, "INTERNAL", "Internal error encountered.", "INTERNAL")
	case Quota:
		return fcm(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Messages'.", "QUOTA_EXCEEDED")
	case ThirdPartyAuth:
		return fcm(http.StatusUnauthorized, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service", "THIRD_PARTY_AUTH_ERROR")
	case BareUnauthorized:
		return fcm(http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.", "")
	case BareForbidden:
		return fcm(http.StatusForbidden, "PERMISSION_DENIED", "The caller does not have permission", "")
	case BareNotFound:
		return fcm(http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.", "")
	case BareAborted:
		return fcm(http.StatusConflict, "ABORTED", "The operation was aborted.", "")
	case BareInternal:
		return fcm(http.StatusInternalServerError, "INTERNAL", "Internal error encountered.", "")
	case BareUnavailable:
		return fcm(http.StatusServiceUnavailable, "UNAVAILABLE", "The service is currently unavailable.", "")
	case BadGateway:
		return page(http.StatusBadGateway)
	case GatewayTimeout:
		return page(http.StatusGatewayTimeout)
	case BadRequest:
		return invalid("Request contains an invalid argument.", "", "message.data[0].value", "Invalid value (TYPE_STRING)")
	case BadTokenText:
		return invalid("The registration token is not a valid FCM registration token", "INVALID_ARGUMENT", "", "")
	case BadTokenField:
		return invalid("Request contains an invalid argument.", "INVALID_ARGUMENT", "message.token", "Invalid token")
	case BadTokenAtGate:
		return invalid("Request contains an invalid argument.", "", "message.token", "Invalid token")
	}
	return false
}

// behind spoils the answer to a message that is delivered.
func (f *Fault) behind(w http.ResponseWriter, name string) (answered bool) {
	if f == nil {
		return false
	}
	switch f.Kind {
	case AcceptThenDrop:
		panic(http.ErrAbortHandler)
	case UnavailableButTaken:
		(&refusal{status: http.StatusServiceUnavailable, code: "UNAVAILABLE", text: "The service is currently unavailable.", fcm: "UNAVAILABLE", retryAfter: f.RetryAfter}).write(w)
		return true
	case Truncated, WrongType:
		text, kind := `{"name":"`+name[:len(name)/2], "application/json; charset=UTF-8"
		if f.Kind == WrongType {
			text, kind = "<html>captive portal</html>", "text/html"
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(text)) // whoever has gone hears nothing
		return true
	}
	return false
}
