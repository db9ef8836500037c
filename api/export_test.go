package api

// HoldPackers takes every place at which answers are packed, until free.
func (s *Server) HoldPackers() (free func()) {
	for range cap(s.packers.atOnce) {
		s.packers.atOnce <- struct{}{}
	}
	return func() {
		for range cap(s.packers.atOnce) {
			<-s.packers.atOnce
		}
	}
}

// Free is how many places of the gate nobody has.
func (s *Server) Free() int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.free
}
