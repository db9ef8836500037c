package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/config"
)

const (
	account = `{"type":"service_account","project_id":"lumbung","client_email":"a@b.example","private_key":"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n","token_uri":"https://oauth2.googleapis.com/token"}`
	vapid   = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	signing = "hunter2hunter2hunter2hunter2hunter2"
)

func TestPushesAsAnOperatorSetsThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fcm.json")
	if err := os.WriteFile(path, []byte(account+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load([]string{"-push-per-second", "250", "-push-ramp", "2m", "-message-channels", "sms, whatsapp"}, env("LUMBUNG_ENV", "production", "LUMBUNG_PEPPER", pepper, "LUMBUNG_PUBLIC_URL", "https://lumbung.example",
		"LUMBUNG_OTP_SENDER", "webhook", "LUMBUNG_FCM_CREDENTIALS_FILE", path, "LUMBUNG_VAPID_KEY", vapid, "LUMBUNG_VAPID_SUBJECT", "mailto:ops@lumbung.example", "LUMBUNG_WEBHOOK_URL", "https://wa.example/send",
		"LUMBUNG_WEBHOOK_SECRET", signing, "LUMBUNG_MESSAGES_PER_DAY", "20", "LUMBUNG_CODES_PER_DAY", "3000"))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Push{FCMCredentials: account, VAPIDKey: vapid, VAPIDSubject: "mailto:ops@lumbung.example", WebhookURL: "https://wa.example/send", WebhookSecret: signing, Channels: []string{"sms", "whatsapp"},
		MessagesPerDay: 20, CodesPerDay: 3000, PerSecond: 250, Ramp: 2 * time.Minute, HintEvery: 15 * time.Minute}
	if fmt.Sprint(c.Push) != fmt.Sprint(want) || c.OTPSender != config.Webhook {
		t.Errorf("%+v", c.Push)
	}
	if shown := fmt.Sprint(c.Redacted(), c); strings.Contains(shown, "hunter2") || strings.Contains(shown, vapid) || !strings.Contains(shown, "LUMBUNG_WEBHOOK_SECRET=(set, 35 characters)") || !strings.Contains(shown, "https://wa.example/send") {
		t.Error(shown)
	}
	for _, secret := range []string{"fcm-credentials", "vapid-key", "webhook-secret"} {
		if _, _, err := config.Load([]string{"-" + secret, "x"}, env()); err == nil || !strings.Contains(err.Error(), "not defined") {
			t.Errorf("%s is taken as a flag: %v", secret, err)
		}
	}
}

func TestEveryMistakeAboutPushesIsReportedAtOnce(t *testing.T) {
	_, _, err := config.Load(nil, env("LUMBUNG_FCM_CREDENTIALS", `{"project_id":"x","private_key":"hunter2"}`, "LUMBUNG_FCM_ENDPOINT", "fake", "LUMBUNG_VAPID_KEY", "hunter2", "LUMBUNG_VAPID_SUBJECT", "ops",
		"LUMBUNG_WEBHOOK_URL", "http://10.0.0.1/send", "LUMBUNG_WEBHOOK_SECRET", "hunter2", "LUMBUNG_MESSAGE_CHANNELS", "pigeon", "LUMBUNG_MESSAGES_PER_DAY", "0", "LUMBUNG_CODES_PER_DAY", "x", "LUMBUNG_PUSH_PER_SECOND", "99999", "LUMBUNG_PUSH_RAMP", "0s", "LUMBUNG_PUSH_HINT_EVERY", "1s"))
	for _, want := range []string{"fcm-credentials:", "fcm-endpoint:", "vapid-key:", "vapid-subject:", "webhook-url:", "webhook-secret:", "message-channels:", "messages-per-day:", "LUMBUNG_CODES_PER_DAY", "push-per-second:", "push-ramp:", "push-hint-every:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the report lacks %q:\n%v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret is shown:\n%v", err)
	}
}

func TestWhatBelongsTogetherComesTogether(t *testing.T) {
	both := []string{"LUMBUNG_WEBHOOK_URL", "https://wa.example/send", "LUMBUNG_WEBHOOK_SECRET", signing}
	fake := strings.Replace(account, "https://oauth2.googleapis.com", "http://127.0.0.1:9099", 1)
	production := []string{"LUMBUNG_ENV", "production", "LUMBUNG_OTP_SENDER", "none", "LUMBUNG_PEPPER", pepper, "LUMBUNG_PUBLIC_URL", "https://lumbung.example"}
	for _, tt := range []struct {
		name string
		env  []string
		want string
	}{
		{"nothing", nil, ""},
		{"a fake, in a workshop", []string{"LUMBUNG_FCM_CREDENTIALS", fake, "LUMBUNG_FCM_ENDPOINT", "http://127.0.0.1:9099"}, ""},
		{"a fake, in production", append([]string{"LUMBUNG_FCM_CREDENTIALS", account, "LUMBUNG_FCM_ENDPOINT", "http://127.0.0.1:9099"}, production...), "fcm-endpoint"},
		{"credentials of a fake, in production", append([]string{"LUMBUNG_FCM_CREDENTIALS", fake}, production...), "token_uri"},
		{"a fake without credentials", []string{"LUMBUNG_FCM_ENDPOINT", "http://127.0.0.1:9099"}, "fcm-endpoint"},
		{"a key without a subject", []string{"LUMBUNG_VAPID_KEY", vapid}, "vapid-key, vapid-subject"},
		{"a subject without a key", []string{"LUMBUNG_VAPID_SUBJECT", "https://lumbung.example"}, "vapid-key, vapid-subject"},
		{"a page as the subject", []string{"LUMBUNG_VAPID_KEY", vapid, "LUMBUNG_VAPID_SUBJECT", "https://lumbung.example"}, ""},
		{"a URL without a secret", both[:2], "webhook-url, webhook-secret"},
		{"a secret without a URL", both[2:], "webhook-url, webhook-secret"},
		{"codes by a webhook that is not there", []string{"LUMBUNG_OTP_SENDER", "webhook"}, "otp-sender"},
		{"codes by a webhook", append([]string{"LUMBUNG_OTP_SENDER", "webhook"}, both...), ""},
		{"channels without a webhook", []string{"LUMBUNG_MESSAGE_CHANNELS", "whatsapp"}, "message-channels"},
		{"a channel twice", append([]string{"LUMBUNG_MESSAGE_CHANNELS", "sms,sms"}, both...), "message-channels"},
		{"a program beside, in a workshop", []string{"LUMBUNG_WEBHOOK_URL", "http://127.0.0.1:9/x", both[2], both[3]}, ""},
		{"a program beside, in production", append([]string{"LUMBUNG_WEBHOOK_URL", "http://[::1]:9/x", both[2], both[3]}, production...), "webhook-url"},
		{"a URL with a query", []string{"LUMBUNG_WEBHOOK_URL", "https://wa.example/?key=1", both[2], both[3]}, "webhook-url"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := config.Load(nil, env(tt.env...))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")) {
				t.Error(err)
			}
		})
	}
}
