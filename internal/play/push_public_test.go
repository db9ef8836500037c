package play_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// TestAnAuthorLetsTheTitleBeRead on lock screens: only then pushes carry it, in the language
// of the phone, and never anything else of the announcement. It is a field as others are: who
// reviews sees it, and until then it may be changed.
func TestAnAuthorLetsTheTitleBeRead(t *testing.T) {
	const long = "Jadwal briefing pameran Lagawi Fest 2022 untuk semua peserta makanan"
	for name, tt := range map[string]struct {
		draft, change map[string]any
		id, en        fcmfake.Notification
	}{
		"nobody said so": {nil, nil, fcmfake.Notification{Title: "Pengumuman baru", Body: "Ketuk untuk membaca."}, fcmfake.Notification{Title: "New announcement", Body: "Tap to read it."}},
		"said and taken back": {map[string]any{"push_public": true}, map[string]any{"push_public": false},
			fcmfake.Notification{Title: "Pengumuman baru", Body: "Ketuk untuk membaca."}, fcmfake.Notification{Title: "New announcement", Body: "Tap to read it."}},
		"public": {map[string]any{"push_public": true}, map[string]any{"pin": true},
			fcmfake.Notification{Title: "Briefing pameran", Body: "Ketuk untuk membaca."}, fcmfake.Notification{Title: "Exhibition briefing", Body: "Tap to read it."}},
		"public later, in one language, and too long": {nil, map[string]any{"push_public": true, "title_id": long, "title_en": nil, "body_en": nil},
			fcmfake.Notification{Title: "Jadwal briefing pameran Lagawi Fest 2022 unt…", Body: long}, fcmfake.Notification{Title: "Jadwal briefing pameran Lagawi Fest 2022 unt…", Body: long}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log *journal
			var fake *fcmfake.Server
			n := setNewsroom(t, 2, 0, func(o *play.Options) {
				o.Store, o.Identity = nil, nil
				rings(t, o, newsroomHour())
				log, fake = listened(o), o.Google
			})
			english := n.owners[1]
			n.ok(english.Send(t.Context(), http.MethodPut, "/v1/me/devices/"+english.Me().Device+"/push", "", map[string]any{"provider": "fcm", "kind": "token", "value": english.Bell.Address(), "locale": "en"}, nil))
			fields := n.briefing(play.BriefingHour())
			for k, v := range tt.draft {
				fields[k] = v
			}
			a := n.draft(fields)
			if tt.change != nil {
				n.ok(n.desk.Send(t.Context(), http.MethodPatch, "/v1/announcements/"+a.ID, a.Etag, map[string]any{"fields": tt.change}, &a))
			}
			reviewed := n.read(n.second, a)
			if public, _ := reviewed.Fields["push_public"].(bool); public != (name != "nobody said so" && name != "said and taken back") {
				t.Errorf("who reviews sees %v", reviewed.Fields)
			}
			n.operate(n.desk, a, "schedule")
			n.w.Clock.Set(play.BriefingHour())
			n.look()
			n.ok(n.w.Step(t.Context()))
			n.ok(n.w.Sends(t.Context(), n.w.Clock.Now().Add(time.Minute), time.Second))
			for p, want := range map[*play.Phone]fcmfake.Notification{n.owners[0]: tt.id, english: tt.en} {
				got := p.Rang(domain.NoticeAnnouncement)
				if len(got) != 1 || got[0].Content.Notification.Title != want.Title || got[0].Content.Notification.Body != want.Body {
					t.Errorf("%s was rung %d times: %+v, want %+v", p.Name, len(got), got, want)
					continue
				}
				text, err := json.Marshal(got[0].Content)
				if n.ok(err); strings.Contains(string(text), "10.00") || strings.Contains(string(text), "10:00") {
					t.Errorf("it says more: %s", text)
				}
			}
			n.ok(n.desk.Login(t.Context())) // a correction wants a fresh proof
			if err := n.desk.Correct(t.Context(), a.ID, map[string]any{"push_public": true}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("a correction writes it: %v", err)
			}
			words := []string{"Datang pukul", "Please come", "Ibu Warga", "Usaha 1"}
			if tt.id.Title == "Pengumuman baru" {
				words = append(words, "riefing", "pameran")
			}
			keepsQuiet(t, fake, log, words...)
		})
	}
}
