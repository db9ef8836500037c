package merge

import (
	"encoding/json"
	"slices"
)

// What phones send is nearly always plain: valid, every member known and once, texts
// without escapes, whole numbers in digits. Such a mutation is taken apart in one go;
// for every other one encoding/json has the word. Both say the same of what both read
// (FuzzPlainMutations).

// plainly reads a valid mutation, if it is plain.
func (w *wireMutation) plainly(raw json.RawMessage) (ok bool) {
	ok = eachMember(raw, func(name []byte, v Value) bool {
		switch string(name) {
		case "n":
			n, ok := digits(v)
			u := uint64(n)
			w.N = &u
			return ok
		case "schema":
			n, ok := digits(v)
			w.Schema = int(n)
			return ok
		case "collection":
			w.Collection = AsString(v)
			return plain(v)
		case "id":
			w.ID = AsString(v)
			return plain(v)
		case "op":
			w.Op = Op(AsString(v))
			return plain(v)
		case "base":
			return string(v) == "null" || plainBase(&w.Base, v)
		case "at":
			return w.At.plainly(v)
		case "set":
			w.Set = map[string]Value{}
			return eachMember(v, func(name []byte, v Value) bool {
				w.Set[string(name)] = v
				return true
			})
		}
		return false // rare, or unknown
	})
	return ok
}

func plainBase(to **Base, v Value) bool {
	b := &Base{}
	*to = b
	return eachMember(v, func(name []byte, v Value) bool {
		switch string(name) {
		case "generation":
			return plain(v) && b.Generation.UnmarshalText(v[1:len(v)-1]) == nil
		case "version":
			n, ok := digits(v)
			b.Version = Seq(n)
			return ok
		}
		return false
	})
}

func (r *wireReading) plainly(v Value) bool {
	return eachMember(v, func(name []byte, v Value) bool {
		switch string(name) {
		case "wall":
			r.Wall = AsString(v)
			return plain(v)
		case "mono_ms":
			n, ok := digits(v)
			r.Mono = n
			return ok
		case "boot":
			r.Boot = AsString(v)
			return plain(v)
		case "server":
			r.Server = AsString(v)
			return plain(v)
		}
		return false
	})
}

// Pick reads those members of an object that have one of the names into a map that is
// emptied before: of a large record a few fields cost less than all. The values lie in the
// memory of the object.
//
// Errors: those of encoding/json.
func Pick(object Value, into map[string]Value, names []string) error {
	clear(into)
	plainly := json.Valid(object) && eachMember(object, func(name []byte, v Value) bool {
		if i := slices.IndexFunc(names, func(n string) bool { return n == string(name) }); i >= 0 {
			into[names[i]] = v
		}
		return true
	})
	if plainly {
		return nil
	}
	clear(into)
	var all map[string]Value
	if err := json.Unmarshal(object, &all); err != nil {
		return err
	}
	for _, name := range names {
		if v, ok := all[name]; ok {
			into[name] = v
		}
	}
	return nil
}

// eachMember calls do for the members of an object in valid JSON, until it gives false.
// It gives false then, for anything but an object, and for a name that is not plain.
func eachMember(object Value, do func(name []byte, v Value) bool) bool {
	at := space(object, 0)
	if at >= len(object) || object[at] != '{' {
		return false
	}
	for at = space(object, at+1); object[at] != '}'; {
		end := skip(object, at)
		name := object[at:end]
		if !plain(name) {
			return false
		}
		at = space(object, space(object, end)+1) // behind the colon
		end = skip(object, at)
		if !do(name[1:len(name)-1], object[at:end:end]) {
			return false
		}
		if at = space(object, end); object[at] == ',' {
			at = space(object, at+1)
		}
	}
	return true
}

// space is the place of the first character from at on that is no white space.
func space(text Value, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r') {
		at++
	}
	return at
}

// skip is the place behind the value that begins at one.
func skip(text Value, at int) int {
	depth := 0
	for ; at < len(text); at++ {
		switch c := text[at]; c {
		case '"':
			for at++; text[at] != '"'; at++ {
				if text[at] == '\\' {
					at++
				}
			}
			if depth == 0 {
				return at + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return at
			}
		}
	}
	return at
}
