package play

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const newsPath = "/v1/announcements"

// News is an announcement as the API gives it to an admin.
type News struct {
	ID       string         `json:"id"`
	Etag     string         `json:"etag"`
	Fields   map[string]any `json:"fields"`
	Warnings []Warning      `json:"warnings"`
}

// Warning is what the author of an announcement should know.
type Warning struct {
	Code string `json:"code"`
}

// Preview is whom an announcement would reach, as the API tells it.
type Preview struct {
	People     int       `json:"people"`
	Owners     int       `json:"owners"`
	Staff      int       `json:"staff"`
	Mentors    int       `json:"mentors"`
	Businesses int       `json:"businesses"`
	Review     bool      `json:"review"`
	Warnings   []Warning `json:"warnings"`
}

// Receipts are what became of an announcement, as the API tells it.
type Receipts struct {
	People    int       `json:"people"`
	Delivered int       `json:"delivered"`
	Read      int       `json:"read"`
	Acked     int       `json:"acked"`
	Pushes    Outcomes  `json:"pushes"`
	Receipts  []Receipt `json:"receipts"`
}

// Outcomes are what became of the pushes of an announcement.
type Outcomes struct {
	Planned    int `json:"planned"`
	Waiting    int `json:"waiting"`
	HandedOver int `json:"handed_over"`
	Failed     int `json:"failed"`
	Suppressed int `json:"suppressed"`
}

// Receipt is what became of it at one person.
type Receipt struct {
	User string     `json:"user_id"`
	Read *time.Time `json:"read_at"`
}

// Draft keeps a draft of an announcement.
func (p *Phone) Draft(ctx context.Context, set map[string]any) (a News, err error) {
	err = p.Send(ctx, http.MethodPost, newsPath, "", map[string]any{"fields": set}, &a)
	return a, err
}

// News reads an announcement.
func (p *Phone) News(ctx context.Context, id string) (a News, err error) {
	err = p.Send(ctx, http.MethodGet, newsPath+"/"+id, "", nil, &a)
	return a, err
}

// Operate takes an announcement further, from where it stands now.
func (p *Phone) Operate(ctx context.Context, id, op string) (a News, err error) {
	now, err := p.News(ctx, id)
	if err != nil {
		return a, err
	}
	err = p.Send(ctx, http.MethodPost, newsPath+"/"+id+"/operations", now.Etag, map[string]any{"op": op}, &a)
	return a, err
}

// Correct gives an announcement that was sent other words.
func (p *Phone) Correct(ctx context.Context, id string, set map[string]any) error {
	now, err := p.News(ctx, id)
	if err != nil {
		return err
	}
	return p.Send(ctx, http.MethodPost, newsPath+"/"+id+"/versions", now.Etag, map[string]any{"fields": set}, nil)
}

// Versions gives the earlier words of an announcement.
func (p *Phone) Versions(ctx context.Context, id string) ([]News, error) {
	var out struct {
		Versions []News `json:"versions"`
	}
	err := p.Send(ctx, http.MethodGet, newsPath+"/"+id+"/versions", "", nil, &out)
	return out.Versions, err
}

// Preview says whom an announcement would reach.
func (p *Phone) Preview(ctx context.Context, id string) (out Preview, err error) {
	err = p.Send(ctx, http.MethodGet, newsPath+"/"+id+"/preview", "", nil, &out)
	return out, err
}

// Receipts says what became of an announcement.
func (p *Phone) Receipts(ctx context.Context, id string) (out Receipts, err error) {
	err = p.Send(ctx, http.MethodGet, newsPath+"/"+id+"/receipts", "", nil, &out)
	return out, err
}

// Item is the one item that the phone has of an announcement. Two are an error.
func (p *Phone) Item(id string) (found merge.Row, some bool, err error) {
	rows, err := p.Rows(merge.UserScope(p.Me().User), "inbox")
	for _, r := range rows {
		if r.Text("type") != domain.NoticeAnnouncement || !strings.Contains(string(r.Fields["object"]), id) {
			continue
		}
		if some {
			return found, true, fmt.Errorf("%s has announcement %s twice", p.Name, id)
		}
		found, some = r, true
	}
	return found, some, err
}

// Note keeps on the phone that its person has an announcement, now, has read it and says
// so.
func (p *Phone) Note(id string, read, acked bool) error {
	now := merge.FormatInstant(merge.Millis(p.w.Clock.Now().UnixMilli()))
	set := fields{"announcement_id": id, "delivered_at": now}
	if read {
		set["read_at"] = now
	}
	if acked {
		set["acked_at"] = now
	}
	_, err := p.create(merge.UserScope(p.Me().User), "receipt", set)
	return err
}
