package fcmfake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// refusal is an answer of the service that is an error.
type refusal struct {
	status     int
	code, text string        // google.rpc.Code, and a sentence
	fcm        string        // FcmError.errorCode; "" where the error comes from the gate before FCM
	field, why string        // that is wrong, "" for none; and in what, text if empty
	retryAfter time.Duration // 0: not said
	more       any           // a further detail; nil for none
}

// What is wrong with a message is said in two shapes: FCM's own, and that of the gate
// before it, which reads JSON and knows nothing of FCM.
func invalidFCM(text, field string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "INVALID_ARGUMENT", text: text, fcm: "INVALID_ARGUMENT", field: field}
}

func invalidGate(text, field string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "INVALID_ARGUMENT", text: text, field: field}
}

// deviceLimited is FCM's own answer for a phone that is sent too much. That a QuotaFailure says
// which quota it was is documented; its words are not.
func deviceLimited(wait time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: "RESOURCE_EXHAUSTED", text: "Device message rate exceeded.", fcm: "QUOTA_EXCEEDED", retryAfter: max(wait, time.Second),
		more: map[string]any{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []map[string]string{{"subject": "device", "description": "Device message rate exceeded"}}}}
}

// projectLimited is the answer of the gate for a project that sends too much; FCM is not named
// in it (github.com/firebase/firebase-admin-go/issues/719).
func projectLimited(project string, wait time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: "RESOURCE_EXHAUSTED", retryAfter: max(wait, time.Second),
		text: "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service 'fcm.googleapis.com' for consumer 'project_number:1'.",
		more: map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com",
			"metadata": map[string]string{"consumer": "projects/" + project, "service": "fcm.googleapis.com", "quota_metric": "fcm.googleapis.com/send_requests", "quota_limit": "SendsPerMinutePerProject"}}}
}

func absent() *refusal {
	return &refusal{status: http.StatusNotFound, code: "NOT_FOUND", text: "Requested entity was not found."}
}

func (f *refusal) write(w http.ResponseWriter) {
	type violation struct {
		Field       string `json:"field"`
		Description string `json:"description"`
	}
	type detail struct {
		Type       string      `json:"@type"`
		ErrorCode  string      `json:"errorCode,omitempty"`
		Violations []violation `json:"fieldViolations,omitempty"`
	}
	var details []any
	if f.fcm != "" {
		details = append(details, detail{Type: "type.googleapis.com/google.firebase.fcm.v1.FcmError", ErrorCode: f.fcm})
	}
	if f.field != "" {
		details = append(details, detail{Type: "type.googleapis.com/google.rpc.BadRequest", Violations: []violation{{f.field, cmp.Or(f.why, f.text)}}})
	}
	if f.more != nil {
		details = append(details, f.more)
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.retryAfter+time.Second-1)/time.Second)))
	}
	body := map[string]any{"code": f.status, "message": f.text, "status": f.code}
	if len(details) > 0 {
		body["details"] = details
	}
	reply(w, f.status, map[string]any{"error": body})
}

// reply writes JSON. Whoever has gone hears nothing.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
