package fcmfake

import (
	"encoding/json"
	"net/http"
)

// PhoneState is what the controls tell and take of a phone. What is absent stays.
type PhoneState struct {
	Address   string     `json:"address,omitempty"`
	Online    *bool      `json:"online,omitempty"`
	Doze      *bool      `json:"doze,omitempty"`
	Muted     *bool      `json:"muted,omitempty"`
	Installed *bool      `json:"installed,omitempty"`
	Pending   int        `json:"pending"`
	Deleted   int        `json:"deleted"`
	Seen      []Delivery `json:"seen,omitempty"`
	Cards     []Card     `json:"cards,omitempty"`
}

// controls are what developers of apps ask the service beside what Google's has: phones to
// make, to look at and to put to sleep, faults, and the file of credentials.
func (s *Server) controls() {
	s.mux.HandleFunc("GET /fake/credentials", func(w http.ResponseWriter, r *http.Request) {
		text, err := s.Credentials("http://" + r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // whoever has gone hears nothing
	})
	s.mux.HandleFunc("POST /fake/phones", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusCreated, s.NewPhone().shown()) })
	s.mux.HandleFunc("GET /fake/phones", func(w http.ResponseWriter, _ *http.Request) {
		all := []PhoneState{}
		for _, p := range s.Phones() {
			all = append(all, p.shown())
		}
		reply(w, http.StatusOK, map[string]any{"phones": all})
	})
	s.mux.HandleFunc("GET /fake/phones/{address}", func(w http.ResponseWriter, r *http.Request) {
		s.withPhone(w, r, func(p *Phone) { reply(w, http.StatusOK, p.shown()) })
	})
	s.mux.HandleFunc("PATCH /fake/phones/{address}", func(w http.ResponseWriter, r *http.Request) {
		s.withPhone(w, r, func(p *Phone) {
			var in PhoneState
			if !taken(w, r, &in) {
				return
			}
			p.becomes(in)
			reply(w, http.StatusOK, p.shown())
		})
	})
	s.mux.HandleFunc("POST /fake/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if taken(w, r, &f) {
			s.Fail(f)
			w.WriteHeader(http.StatusNoContent)
		}
	})
	s.mux.HandleFunc("DELETE /fake/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.Heal()
		w.WriteHeader(http.StatusNoContent)
	})
}

func taken(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func (s *Server) withPhone(w http.ResponseWriter, r *http.Request, do func(*Phone)) {
	if p := s.Phone(r.PathValue("address")); p != nil {
		do(p)
		return
	}
	http.Error(w, "no such phone", http.StatusNotFound)
}

func (p *Phone) becomes(in PhoneState) {
	p.set(func() {
		for _, c := range []struct {
			says *bool
			to   *bool
			not  bool
		}{{in.Online, &p.off, true}, {in.Doze, &p.low, false}, {in.Muted, &p.muted, false}} {
			if c.says != nil {
				*c.to = *c.says != c.not
			}
		}
		if in.Installed != nil {
			p.state = registered
			if !*in.Installed {
				p.state = unregistered
			}
		}
	})
}

func (p *Phone) shown() PhoneState {
	pending := p.Pending()
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	online, doze, muted, installed := !p.off, p.low, p.muted, p.state == registered
	return PhoneState{p.address, &online, &doze, &muted, &installed, pending, p.deleted, append([]Delivery{}, p.seen...), append([]Card{}, p.cards...)}
}
