package arch_test

import (
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

func TestFloorsAreFoundByTheNearestNamedFolder(t *testing.T) {
	tests := []struct {
		dir, by string
		ok      bool
	}{
		{"domain", "domain", true}, {"auth/vault", "auth", true}, {"sync/adapter/rxdb/wire", "sync/adapter/rxdb", true},
		{"store/sqlite", "store/sqlite", true}, {"cmd/other", "", false}, {"elsewhere", "", false}, {"internal/new", "", false},
	}
	for _, tt := range tests {
		if _, by, ok := floorOf(tt.dir); by != tt.by || ok != tt.ok {
			t.Errorf("%s gets its floor from %q, %t", tt.dir, by, ok)
		}
	}
	low, _, _ := floorOf("sync/merge")
	high, _, _ := floorOf("sync")
	if low >= high {
		t.Errorf("merge stands on floor %d, the engine on %d", low, high)
	}
}

func TestCodesAreFoundInEveryForm(t *testing.T) {
	const text = `package p
const codeC = "c_c"
func made(kind int, code, text string) error { return &fault.Error{Kind: kind, Code: code, Text: text} }
func remade(code string) error { return made(1, code, "x") }
func f() {
	_ = &fault.Error{Code: "a_a"}
	_ = fault.Error{Code: codeC}
	_ = Reject{Code: "r_r"}
	_ = made(2, "m_m", "no code")
	_ = remade("n_n")
	_ = Programme{Code: "lagawi-fest-2022"}
	_ = other("no_code")
}`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range codes([]source{{path: "p.go", file: file, set: set}}) {
		got = append(got, c.code)
	}
	slices.Sort(got)
	if want := []string{"a_a", "c_c", "m_m", "n_n", "r_r"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
