package api_test

import (
	"crypto/rand"
	"reflect"
	"testing"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/webpush"
)

// TestAnAppHearsWithWhatItSubscribes: the key of web push, and that nobody sends where
// nothing is set up.
func TestAnAppHearsWithWhatItSubscribes(t *testing.T) {
	keys, err := webpush.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	browsers, err := webpush.New(webpush.Options{Key: keys.Private, Subject: "mailto:ops@contoh.id"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		senders map[string]notify.Sender
		want    []wire.PushProvider
	}{
		"two":  {map[string]notify.Sender{"webpush": browsers, "fcm": notify.LogSender{}}, []wire.PushProvider{{Provider: "fcm"}, {Provider: "webpush", PublicKey: keys.Public}}},
		"none": {nil, []wire.PushProvider{}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTour(t, func(p *api.Parts) { p.Push.Senders = tt.senders })
			var me wire.Me
			o.want(200, o.enter("+628117000101").AccessToken, "GET", "/v1/me", "").Into(o, &me)
			if !reflect.DeepEqual(me.Push, tt.want) {
				t.Errorf("%+v, want %+v", me.Push, tt.want)
			}
		})
	}
}
