package main

import (
	"context"
	"fmt"

	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/fcm"
	"github.com/lumbung-ikm/lumbung/notify/webpush"
)

// providers are the senders of pushes that a configuration sets up; nil if it has none. They
// are made here and not in package app so that Firebase is linked by the program alone.
func providers(ctx context.Context, cfg config.Config) (map[string]notify.Sender, error) {
	all := map[string]notify.Sender{}
	google, err := firebase(ctx, cfg.Push)
	if err != nil {
		return nil, err
	}
	if google != nil {
		all[fcm.Provider] = google
	}
	browsers, err := browserPush(cfg.Push)
	if err != nil {
		return nil, err
	}
	if browsers != nil {
		all[webpush.Provider] = browsers
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// firebase is the sender to Android; nil if there are no credentials.
func firebase(ctx context.Context, p config.Push) (*fcm.Sender, error) {
	if p.FCMCredentials == "" {
		return nil, nil
	}
	s, err := fcm.New(ctx, fcm.Options{Credentials: []byte(p.FCMCredentials), Endpoint: p.FCMEndpoint})
	if err != nil {
		return nil, fmt.Errorf("fcm-credentials: %w", err)
	}
	return s, nil
}

// browserPush is the sender of web push; nil if there is no key.
func browserPush(p config.Push) (*webpush.Sender, error) {
	if p.VAPIDKey == "" {
		return nil, nil
	}
	s, err := webpush.New(webpush.Options{Key: p.VAPIDKey, Subject: p.VAPIDSubject})
	if err != nil {
		return nil, fmt.Errorf("vapid-key: %w", err)
	}
	return s, nil
}
