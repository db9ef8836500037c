package fcmfake

import "time"

// bucket lets so many through at once, and then so many a second.
type bucket struct {
	most, left, perSecond float64
	at                    time.Time
}

func newBucket(most, perSecond float64) *bucket {
	return &bucket{most: most, left: most, perSecond: perSecond}
}

// give gives one back.
func (b *bucket) give() { b.left = min(b.most, b.left+1) }

// take takes one, or says after what time there is one.
func (b *bucket) take(now time.Time) (ok bool, wait time.Duration) {
	if !b.at.IsZero() {
		b.left = min(b.most, b.left+max(0, now.Sub(b.at).Seconds())*b.perSecond)
	}
	b.at = now
	if b.left < 1 {
		return false, time.Duration((1 - b.left) / b.perSecond * float64(time.Second))
	}
	b.left--
	return true, 0
}
