package auth

import (
	"context"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
)

// The breakers look at totals in buckets of five minutes, the last three of
// which make the window.
const (
	bucket       = 5 * time.Minute
	bucketsBack  = 3
	breakerPause = 5 * time.Minute
)

// bucketKeys names the total of name in the n newest buckets, newest first.
func bucketKeys(name string, now time.Time, width time.Duration, n int) []string {
	newest := now.UnixMilli() / width.Milliseconds()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = name + "/" + width.String() + "/" + strconv.FormatInt(newest-int64(i), 10)
	}
	return keys
}

// count adds one event to the total of name.
func (s *Service) count(ctx context.Context, name string, width, keep time.Duration) error {
	now := s.Clock.Now()
	return s.Store.Add(ctx, bucketKeys(name, now, width, 1)[0], 1, now.Add(keep+width))
}

// recent is the total of name over the n newest buckets, without the newest
// skip ones.
func (s *Service) recent(ctx context.Context, name string, width time.Duration, n, skip int) (int64, error) {
	totals, err := s.Store.Totals(ctx, bucketKeys(name, s.Clock.Now(), width, n)[skip:])
	var sum int64
	for _, t := range totals {
		sum += t
	}
	return sum, err
}

// spendWidth is the bucket of one spending limit.
func spendWidth(l Limit) time.Duration { return max(l.Window/12, time.Minute) }

// checkSpend refuses to send when everybody together has been sent too much.
//
// Errors: TooMany "login_paused".
func (s *Service) checkSpend(ctx context.Context) error {
	for _, l := range s.Limits.Spend {
		n, err := s.recent(ctx, "spend", spendWidth(l), 12, 0)
		if err != nil {
			return err
		}
		if n >= int64(l.Max) {
			return tooMany("login_paused", spendWidth(l))
		}
	}
	return nil
}

// checkBreaker refuses codes while too many of everybody's codes are wrong:
// then somebody is guessing over many numbers.
//
// Errors: TooMany "login_paused".
func (s *Service) checkBreaker(ctx context.Context) error {
	wrong, err := s.recent(ctx, "wrong", bucket, bucketsBack, 0)
	if err != nil || wrong < int64(s.Limits.BreakerFloor) {
		return err
	}
	right, err := s.recent(ctx, "right", bucket, bucketsBack, 0)
	if err != nil {
		return err
	}
	if float64(wrong) >= s.Limits.BreakerShare*float64(wrong+right) {
		return tooMany("login_paused", breakerPause)
	}
	return nil
}

// pumped reports whether codes sent to the neighbourhood of a number mostly
// stay unused: then somebody earns by having them sent. The newest bucket of
// sent codes does not count, so that people have time to answer.
func (s *Service) pumped(ctx context.Context, phone domain.Phone) (bool, error) {
	sent, err := s.recent(ctx, "sent/"+prefix(phone), bucket, bucketsBack+1, 1)
	if err != nil || sent < int64(s.Limits.PrefixFloor) {
		return false, err
	}
	right, err := s.recent(ctx, "right/"+prefix(phone), bucket, bucketsBack+1, 0)
	return float64(right) < s.Limits.PrefixShare*float64(sent), err
}

// countSent notes that a code goes out to phone.
func (s *Service) countSent(ctx context.Context, phone domain.Phone) error {
	for _, l := range s.Limits.Spend {
		if err := s.count(ctx, "spend", spendWidth(l), l.Window); err != nil {
			return err
		}
	}
	return s.count(ctx, "sent/"+prefix(phone), bucket, bucketsBack*bucket)
}

// countGuess notes how a guess at a living code ended.
func (s *Service) countGuess(ctx context.Context, phone domain.Phone, right bool) error {
	if !right {
		return s.count(ctx, "wrong", bucket, bucketsBack*bucket)
	}
	if err := s.count(ctx, "right", bucket, bucketsBack*bucket); err != nil {
		return err
	}
	return s.count(ctx, "right/"+prefix(phone), bucket, (bucketsBack+1)*bucket)
}

// prefix is the block of numbers that phone lies in: all but the last six
// digits, so that a block holds a million numbers.
func prefix(phone domain.Phone) string { return string(phone[:max(0, len(phone)-6)]) }
