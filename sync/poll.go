package syncer

import (
	"hash/fnv"
	"time"
)

// pollSpread is by how much phones differ in when they ask again: a fifth of the
// whole, to either side.
const pollSpread = 0.2

// pollIn is in how many seconds a phone with nothing to do should ask again. It is
// always the same for one device, so that an answer can be repeated, and spread evenly
// over all of them, so that those who came at one moment (when the network was back in
// a valley, or the server was) do not come back at one.
func pollIn(every time.Duration, who Caller) int {
	h := fnv.New64a()
	h.Write([]byte(who.User + "\n" + who.Device))
	x := h.Sum64() // names that differ in their last letter differ in few bits: stir (splitmix64)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	share := float64(x>>11) / (1 << 53) // 0 to 1
	seconds := every.Seconds() * (1 - pollSpread + 2*pollSpread*share)
	return max(int(seconds), min(1, int(every/time.Second)))
}
