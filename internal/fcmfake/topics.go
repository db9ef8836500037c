package fcmfake

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

const (
	mostSubscribed = 1000 // addresses in a call
	longestTopic   = 900  // bytes of a name
)

// subscribed are the registered phones whose topics fit.
func (s *Server) subscribed(fits func(map[string]bool) bool) (out []*Phone) {
	for address, topics := range s.topics {
		if p := s.phones[address]; p != nil && p.state == registered && fits(topics) {
			out = append(out, p)
		}
	}
	return out
}

// subscribe is iid/v1:batchAdd and batchRemove.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request) {
	verb := r.PathValue("verb")
	if verb != "v1:batchAdd" && verb != "v1:batchRemove" {
		absent().write(w)
		return
	}
	if bad := s.authorised(r); bad != nil || r.Header.Get("access_token_auth") != "true" {
		reply(w, http.StatusUnauthorized, map[string]string{"error": "MissingAuthorization"})
		return
	}
	var in struct {
		To     string   `json:"to"`
		Tokens []string `json:"registration_tokens"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in)
	topic, ok := strings.CutPrefix(in.To, "/topics/")
	switch {
	case err != nil, !ok, !isTopic(topic):
		reply(w, http.StatusBadRequest, map[string]string{"error": "InvalidTopicName"})
		return
	case len(in.Tokens) == 0, len(in.Tokens) > mostSubscribed:
		reply(w, http.StatusBadRequest, map[string]string{"error": "InvalidArgument"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]map[string]string, len(in.Tokens))
	for i, t := range in.Tokens {
		p := s.phones[t]
		switch results[i] = map[string]string{}; {
		case p == nil:
			results[i]["error"] = "INVALID_ARGUMENT"
		case p.state != registered:
			results[i]["error"] = "NOT_FOUND"
		case verb == "v1:batchRemove":
			delete(s.topics[t], topic)
		default:
			s.subscribes(t, topic)
		}
	}
	reply(w, http.StatusOK, map[string]any{"results": results})
}

// subscribes has a phone hear of a topic; the lock is held.
func (s *Server) subscribes(address, topic string) {
	if s.topics[address] == nil {
		s.topics[address] = map[string]bool{}
	}
	s.topics[address][topic] = true
}

// isTopic reports whether a topic may have a name.
func isTopic(name string) bool { return len(name) <= longestTopic && aTopic.MatchString(name) }

var aTerm = regexp.MustCompile(`^'([a-zA-Z0-9\-_.~%]+)' in topics`)

// condition reads "'a' in topics && ('b' in topics || 'c' in topics)": && and || bind alike,
// from the left, as the service has it.
func condition(text string) (holds func(map[string]bool) bool, err error) {
	p := parser{rest: text}
	holds, err = p.all()
	if err == nil && p.rest != "" || p.terms > mostTopicsAsked {
		err = errors.New("not a condition")
	}
	return holds, err
}

type parser struct {
	rest  string
	terms int
}

func (p *parser) all() (func(map[string]bool) bool, error) {
	left, err := p.one()
	for err == nil {
		p.rest = strings.TrimSpace(p.rest)
		and := strings.HasPrefix(p.rest, "&&")
		if !and && !strings.HasPrefix(p.rest, "||") {
			return left, nil
		}
		p.rest = p.rest[2:]
		a, b, fails := left, (func(map[string]bool) bool)(nil), error(nil)
		if b, fails = p.one(); fails != nil {
			return nil, fails
		}
		left = func(of map[string]bool) bool { return and && a(of) && b(of) || !and && (a(of) || b(of)) }
	}
	return nil, err
}

func (p *parser) one() (func(map[string]bool) bool, error) {
	p.rest = strings.TrimSpace(p.rest)
	if inner, ok := strings.CutPrefix(p.rest, "("); ok {
		p.rest = inner
		holds, err := p.all()
		if rest, closed := strings.CutPrefix(p.rest, ")"); err == nil && closed {
			p.rest = rest
			return holds, nil
		}
		return nil, errors.New("not closed")
	}
	m := aTerm.FindStringSubmatch(p.rest)
	if m == nil || len(m[1]) > longestTopic {
		return nil, errors.New("no topic")
	}
	p.rest = p.rest[len(m[0]):]
	p.terms++
	return func(of map[string]bool) bool { return of[m[1]] }, nil
}
