package fcmfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// call is the body of messages:send.
type call struct {
	ValidateOnly bool    `json:"validate_only"`
	Message      Content `json:"message"`
}

// Content is a message as the v1 API takes it.
type Content struct {
	Name         string            `json:"name,omitempty"` // of answers only
	Token        string            `json:"token,omitempty"`
	FID          string            `json:"fid,omitempty"`
	Topic        string            `json:"topic,omitempty"`
	Condition    string            `json:"condition,omitempty"`
	Data         map[string]string `json:"data,omitempty"`
	Notification *Notification     `json:"notification,omitempty"`
	Android      *Android          `json:"android,omitempty"`
	APNS         json.RawMessage   `json:"apns,omitempty"`
	Webpush      json.RawMessage   `json:"webpush,omitempty"`
	Options      *FCMOptions       `json:"fcm_options,omitempty"`
}

// Notification is what the system of a phone draws.
type Notification struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body,omitempty"`
	Image string `json:"image,omitempty"`
}

// FCMOptions are of the service, not of the phone.
type FCMOptions struct {
	AnalyticsLabel string `json:"analytics_label,omitempty"`
}

// Android is what is for Android phones.
type Android struct {
	CollapseKey           string               `json:"collapse_key,omitempty"`
	Priority              string               `json:"priority,omitempty"`
	TTL                   string               `json:"ttl,omitempty"`
	RestrictedPackageName string               `json:"restricted_package_name,omitempty"`
	Data                  map[string]string    `json:"data,omitempty"`
	Notification          *AndroidNotification `json:"notification,omitempty"`
	Options               *FCMOptions          `json:"fcm_options,omitempty"`
	DirectBootOK          bool                 `json:"direct_boot_ok,omitempty"`
}

// AndroidNotification is how an Android phone draws.
type AndroidNotification struct {
	Title                 string   `json:"title,omitempty"`
	Body                  string   `json:"body,omitempty"`
	Icon                  string   `json:"icon,omitempty"`
	Color                 string   `json:"color,omitempty"`
	Sound                 string   `json:"sound,omitempty"`
	Tag                   string   `json:"tag,omitempty"`
	ClickAction           string   `json:"click_action,omitempty"`
	BodyLocKey            string   `json:"body_loc_key,omitempty"`
	BodyLocArgs           []string `json:"body_loc_args,omitempty"`
	TitleLocKey           string   `json:"title_loc_key,omitempty"`
	TitleLocArgs          []string `json:"title_loc_args,omitempty"`
	ChannelID             string   `json:"channel_id,omitempty"`
	Image                 string   `json:"image,omitempty"`
	Ticker                string   `json:"ticker,omitempty"`
	Sticky                bool     `json:"sticky,omitempty"`
	LocalOnly             bool     `json:"local_only,omitempty"`
	Priority              string   `json:"notification_priority,omitempty"`
	Visibility            string   `json:"visibility,omitempty"`
	Count                 int      `json:"notification_count,omitempty"`
	DefaultSound          bool     `json:"default_sound,omitempty"`
	DefaultVibrateTimings bool     `json:"default_vibrate_timings,omitempty"`
	DefaultLightSettings  bool     `json:"default_light_settings,omitempty"`
	EventTime             string   `json:"event_time,omitempty"`
}

// Bounds of the service.
const (
	mostPayload      = 4096 // bytes of data and notification together
	mostTopicPayload = 2048
	longestTTL       = 28 * 24 * time.Hour
	mostTopicsAsked  = 5 // in a condition
)

var (
	aTopic = regexp.MustCompile(`^[a-zA-Z0-9\-_.~%]+$`)
	aLabel = regexp.MustCompile(`^[a-zA-Z0-9\-_.~%]{1,50}$`)
	aTTL   = regexp.MustCompile(`^([0-9]{1,10})(\.[0-9]{1,9})?s$`)
)

// decode reads a call: the gate refuses what is no JSON of the right form, FCM what it
// cannot send.
func decode(from io.Reader) (c call, bad *refusal) {
	text, err := io.ReadAll(from)
	if err != nil {
		return c, invalidGate("Request payload size exceeds the limit.", "message")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if bad := unproto(d, &c); bad != nil {
		return c, bad
	}
	if d.More() {
		return c, invalidGate("Invalid JSON payload received. Unexpected token.", "message")
	}
	return c, c.Message.check()
}

// ofForm says as the gate does why JSON does not fit.
func ofForm(err error) *refusal {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		return invalidGate(fmt.Sprintf("Invalid value at '%s' (%s), %s", t.Field, t.Type, t.Value), t.Field)
	}
	return invalidGate("Invalid JSON payload received. "+err.Error(), "message")
}

// check is what FCM itself asks of a message.
func (m Content) check() *refusal {
	targets := 0
	for _, t := range []string{m.Token, m.FID, m.Topic, m.Condition} {
		if t != "" {
			targets++
		}
	}
	switch {
	case targets == 0:
		return invalidFCM("Recipient of the message is not set.", "message")
	case targets > 1:
		return invalidGate("oneof field 'target' is already set. Cannot set 'token'", "message")
	case m.Topic != "" && !isTopic(strings.TrimPrefix(m.Topic, "/topics/")):
		return invalidFCM("Invalid topic name", "message.topic")
	case m.Options != nil && m.Options.AnalyticsLabel != "" && !aLabel.MatchString(m.Options.AnalyticsLabel):
		return invalidFCM("Invalid analytics label", "message.fcm_options.analytics_label")
	}
	for _, data := range []map[string]string{m.Data, m.androidData()} {
		for key := range data {
			if reserved(key) {
				return invalidFCM("Invalid data payload key: "+key, "message.data")
			}
		}
	}
	if bad := m.Android.check(); bad != nil {
		return bad
	}
	most := mostPayload
	if m.Topic != "" || m.Condition != "" {
		most = mostTopicPayload
	}
	if n := m.bytes(); n > most {
		return invalidFCM(fmt.Sprintf("Android message is too big: %d bytes", n), "message")
	}
	return nil
}

func (a *Android) check() *refusal {
	switch {
	case a == nil:
		return nil
	case a.Priority != "" && !strings.EqualFold(a.Priority, "high") && !strings.EqualFold(a.Priority, "normal"):
		return invalidGate("Invalid value at 'message.android.priority' (type.googleapis.com/google.firebase.fcm.v1.AndroidMessagePriority), \""+a.Priority+"\"", "message.android.priority")
	case a.TTL == "":
		return nil
	case !aTTL.MatchString(a.TTL):
		return invalidGate("Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration), Field 'ttl', Illegal duration format", "message.android.ttl")
	}
	if d, err := time.ParseDuration(a.TTL); err != nil || d > longestTTL {
		return invalidFCM("Invalid TTL, it must be between 0 and 2419200 seconds", "message.android.ttl")
	}
	return nil
}

// reserved reports whether data must not have a key.
func reserved(key string) bool {
	if key == "from" || key == "message_type" || key == "collapse_key" {
		return true
	}
	return strings.HasPrefix(key, "google") || strings.HasPrefix(key, "gcm")
}

func (m Content) androidData() map[string]string {
	if m.Android == nil {
		return nil
	}
	return m.Android.Data
}

// bytes is how much of the payload a message takes.
func (m Content) bytes() (n int) {
	for key, value := range m.Data {
		n += len(key) + len(value)
	}
	for key, value := range m.androidData() {
		n += len(key) + len(value)
	}
	for _, v := range []any{m.Notification, m.androidNotification()} {
		if text, err := json.Marshal(v); err == nil && string(text) != "null" {
			n += len(text)
		}
	}
	return n
}

func (m Content) androidNotification() *AndroidNotification {
	if m.Android == nil {
		return nil
	}
	return m.Android.Notification
}

// single reports whether the message is for one phone.
func (m Content) single() bool { return m.Token != "" || m.FID != "" }

func (m Content) collapseKey() string {
	if m.Android == nil {
		return ""
	}
	return m.Android.CollapseKey
}

// high reports whether the message wakes a phone out of Doze.
func (m Content) high() bool {
	return m.Android != nil && strings.EqualFold(m.Android.Priority, "high")
}

// ttl is how long the service keeps a message for a phone that it cannot reach.
func (m Content) ttl() time.Duration {
	if m.Android == nil || m.Android.TTL == "" {
		return longestTTL
	}
	d, err := time.ParseDuration(m.Android.TTL)
	if err != nil {
		return longestTTL // check has refused it
	}
	return d
}

// draws reports whether the system of the phone draws a card.
func (m Content) draws() bool { return m.Notification != nil || m.androidNotification() != nil }

// tag is that of the card; "" for one that stands beside all others.
func (m Content) tag() string {
	if n := m.androidNotification(); n != nil {
		return n.Tag
	}
	return ""
}

// text is what the card says.
func (m Content) text() (title, body string) {
	if n := m.Notification; n != nil {
		title, body = n.Title, n.Body
	}
	if n := m.androidNotification(); n != nil {
		if n.Title != "" {
			title = n.Title
		}
		if n.Body != "" {
			body = n.Body
		}
	}
	return title, body
}
