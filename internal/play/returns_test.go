package play_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAReturnAndADraftOnPhonesThatAreAway: an owner is asked to complete her application
// behind the window, finishes it without a network in time, and hands it in within the grace.
// Another one changes her draft without a network while a list brings her in: it is submitted
// as the list and the draft that the server had say, and what she changed stays on her phone.
func TestAReturnAndADraftOnPhonesThatAreAway(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setBeside(t, on)
			e := b.all[0]
			b.at(time.Date(2022, 3, 1, 2, 0, 0, 0, time.UTC))
			her, who := b.joins(b.person(), "who completes", 1), b.person()
			other := b.joins(who, "who drafts", 1)
			var err error
			e.business["early"], err = b.w.Found(t.Context(), her, "Usaha Lengkap", e.regions[0])
			b.ok(err)
			e.business["late"], err = b.w.Found(t.Context(), other, "Usaha Draf", e.regions[0])
			b.ok(err)
			b.drafts(her, e, "early")
			b.says(her, e, "early", "submit")
			b.drafts(other, e, "late")
			b.in(other, "business/"+e.business["late"], "application", e.application("late"), map[string]any{"answers": map[string]any{"since": map[string]any{"value": "2014"}}})
			b.sync(her, her, other)

			b.at(time.Date(2022, 3, 7, 2, 0, 0, 0, time.UTC))
			b.login()
			due := time.Date(2022, 3, 8, 2, 0, 0, 0, time.UTC)
			var r ticket
			business := "/v1/businesses/" + e.business["early"]
			b.send(b.admin, "GET", business+"/records/application/"+e.application("early"), "", nil, &r)
			b.send(b.admin, "POST", business+"/applications/"+e.application("early")+"/events", r.Etag,
				map[string]any{"op": "return", "note": "Foto produk belum ada", "complete_by": due.UTC().Format(time.RFC3339)}, nil)
			b.sync(her)
			if a := b.applied(her, e, "early"); a.Text("state") != domain.ApplicationReturned || a.Text("asked") == "" || a.Text("complete_by") != "2022-03-08T02:00:00.000Z" || a.Text("number") != "LPG-00001" {
				t.Errorf("asked to complete: %s", a.EncodeFields())
			}
			items, err := her.Rows(merge.UserScope(her.Me().User), "inbox")
			b.ok(err)
			said := ""
			for _, item := range items {
				if item.Text("type") == domain.NoticeApplicationBack {
					said += domain.NoticeText(item, domain.WIB, message.ID).Detail + domain.NoticeText(item, domain.WIB, message.EN).Detail
				}
			}
			if !strings.Contains(said, "Lengkapi sebelum Selasa, 8 Maret 2022 pukul 09.00 WIB.") || !strings.Contains(said, "Complete it before Tuesday, 8 March 2022 at 09:00 WIB.") {
				t.Errorf("the notice says %q", said)
			}

			b.away(her)
			b.away(other)
			b.in(other, "business/"+e.business["late"], "application", e.application("late"), map[string]any{"answers": map[string]any{"since": map[string]any{"value": "2015"}}})
			list := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori;Produksi Sendiri\nD1;2022-03-02 08:00;Usaha Draf;Bu Draf;" + who.Number + ";18.71;pangan;ya\n"
			var check struct {
				imported
				Drafts []struct {
					Line    int    `json:"line"`
					Code    string `json:"code"`
					Message string `json:"message"`
				} `json:"drafts"`
			}
			b.table(e.path("/imports/check"), list, &check)
			if check.Accepted != 1 || len(check.Drafts) != 1 || check.Drafts[0].Line != 2 || check.Drafts[0].Code != "draft_submitted" || check.Drafts[0].Message == "" {
				t.Errorf("a dry run: %+v", check)
			}
			b.table(e.path("/imports"), list, &check)
			b.back(other)
			const answers = `{"own_production":{"value":"yes"},"since":{"value":"2014"}}`
			if a := b.applied(other, e, "late"); a.Text("state") != domain.ApplicationSubmitted || a.Text("number") != "LPG-00002" || string(a.Fields["answers"]) != answers {
				t.Errorf("brought in: %s", a.EncodeFields())
			}
			refused, err := other.Refused()
			if b.ok(err); len(refused) != 1 || refused[0].Code != "locked" || !strings.Contains(string(refused[0].Mutation), "2015") {
				t.Errorf("what she changed: %+v", refused)
			}

			b.at(due.Add(-time.Minute))
			b.says(her, e, "early", "submit")
			b.at(due.Add(time.Hour))
			b.back(her)
			if a := b.applied(her, e, "early"); a.Text("state") != domain.ApplicationSubmitted || a.Text("number") != "LPG-00001" || !merge.Null(a.Fields["complete_by"]) {
				t.Errorf("completed: %s", a.EncodeFields())
			}
		})
	}
}
