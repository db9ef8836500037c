package fcmfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// unproto reads JSON as protocol buffers have it (the names of fields as they are declared or
// in lowerCamelCase, and no other; a null is an absent field, and no value of a map or a list)
// into a value whose JSON names are the declared ones.
func unproto(d *json.Decoder, into any) *refusal {
	var all any
	if err := d.Decode(&all); err != nil {
		return ofForm(err)
	}
	named, bad := declared(all, reflect.TypeOf(into).Elem(), "")
	if bad != nil {
		return bad
	}
	text, err := json.Marshal(named)
	if err != nil {
		return ofForm(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return ofForm(err)
	}
	return nil
}

// declared gives a value with the declared names of its fields. What is of another type than
// it should be is left to who reads it.
func declared(v any, t reflect.Type, path string) (any, *refusal) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch in := v.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct {
			return fieldsOf(in, t, path)
		}
		if t.Kind() == reflect.Map {
			for i, key := range slices.Sorted(maps.Keys(in)) {
				if in[key] == nil {
					return nil, nullAt(fmt.Sprintf("%s[%d].value", path, i))
				}
			}
		}
	case []any:
		if t.Kind() == reflect.Slice && slices.Contains(in, nil) {
			return nil, nullAt(fmt.Sprintf("%s[%d]", path, slices.Index(in, nil)))
		}
	}
	return v, nil
}

func nullAt(path string) *refusal {
	return invalidGate(fmt.Sprintf("Invalid value at '%s' (TYPE_STRING), null", path), path)
}

func fieldsOf(in map[string]any, t reflect.Type, path string) (any, *refusal) {
	known := map[string]reflect.StructField{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		known[name], known[camel(name)] = f, f
	}
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		f, ok := known[key]
		if !ok {
			return nil, invalidGate(fmt.Sprintf("Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find field.", key, path), path)
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := strings.TrimPrefix(path+"."+name, ".")
		if _, twice := out[name]; twice {
			return nil, invalidGate(fmt.Sprintf("Invalid value at '%s', Field '%s' is set twice", path, name), at)
		}
		var bad *refusal
		if out[name], bad = declared(in[key], f.Type, at); bad != nil {
			return nil, bad
		}
	}
	return out, nil
}

// camel is a declared name in lowerCamelCase.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}
