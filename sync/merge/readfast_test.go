package merge

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzPlainMutations: what is taken apart in one go says what encoding/json reads.
func FuzzPlainMutations(f *testing.F) {
	for _, s := range []string{
		`{"at":{"boot":"b","mono_ms":1,"wall":"2022-04-02T00:00:00.000Z"},"base":null,"collection":"sales","id":"017fe800-30e8-7ec5-9f1b-8fb756166d0f","n":1,"op":"put","schema":1,"set":{"amount_idr":500,"note":"a \\" b","x":{"a":[1,{"b":"}"}]}}}`,
		` { "n" : 3 , "base" : { "generation" : "1.a" , "version" : 7 } , "set" : { } , "at" : { "server" : "x" } , "op" : "delete" } `,
		`{"n":1,"n\u0061me":2}`, `{"n":1.0}`, `{"schema":null}`, `{"set":null}`, `{"set":{"a":null,"b":true}}`, `{"op":"p\u0075t"}`, `{"add":{"x":["y"]}}`,
		`{"base":{"version":-1}}`, `{"base":{}}`, `{"base":{"generation":"1"}}`, `{"at":{"WALL":"x"}}`, `{"after":[]}`, `{"n":01}`, `[]`, `{"n":18446744073709551615}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !jsontext.Value(raw).IsValid() {
			return
		}
		var quick wireMutation
		if !quick.plainly(raw) {
			return
		}
		slow, err := decodeMutation(raw)
		if err != nil || !reflect.DeepEqual(quick, slow) {
			t.Fatalf("%s reads as %+v, and as %+v, %v", raw, quick, slow, err)
		}
	})
}
