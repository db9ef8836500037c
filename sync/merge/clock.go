package merge

// Correct turns a phone's clock reading at the edit into server time.
//
// current is the reading of the push, received at now. With the same boot the
// monotonic difference is exact, however wrong the wall clock was. With
// another boot only the bounds are sure: not before the last answer the phone
// had, not after now; the wall clock places the edit between them and low is
// true. The future is capped at now. No reading is refused.
func Correct(at, current Reading, now Millis) (corrected Millis, low bool) {
	if at.Boot != "" && at.Boot == current.Boot && at.Mono <= current.Mono {
		return max(min(now-Millis(current.Mono-at.Mono), now), 0), false
	}
	guess := now
	if at.Wall > 0 && current.Wall > 0 {
		guess = now - (current.Wall - at.Wall)
	}
	return max(min(guess, now), min(at.Server, now), 0), true
}
