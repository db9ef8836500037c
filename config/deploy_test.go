package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/config"
)

// TestTheProgramStartsAsItsFilesForOperatorsSay: with their environment, and with
// sample secrets where those stand, the configuration is one.
func TestTheProgramStartsAsItsFilesForOperatorsSay(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "pepper")
	if err := os.WriteFile(secrets, []byte(pepper), 0o600); err != nil {
		t.Fatal(err)
	}
	mounted := strings.NewReplacer("/secrets/pepper", secrets)
	tests := []struct {
		file   string
		env    func(t *testing.T, text string) map[string]string
		secret map[string]string // what the file leaves to others
		want   func(c config.Config) bool
	}{
		{"deploy/kubernetes/lumbung.yaml", kubernetes, map[string]string{"LUMBUNG_STORE": "mongodb+srv://lumbung:rahasia@db.example/lumbung"},
			func(c config.Config) bool {
				return c.Env == config.Production && c.OTPSender == "none" && c.Pepper == pepper
			}},
		{"docker-compose.yml", compose, map[string]string{"LUMBUNG_PEPPER": pepper},
			func(c config.Config) bool {
				return c.Env == config.Development && c.OTPSender == "log" && c.Pepper == pepper
			}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(tt.file)))
			if err != nil {
				t.Fatal(err)
			}
			found := tt.env(t, string(text))
			for name, v := range tt.secret {
				if _, ok := found[name]; !ok {
					t.Errorf("%s is not asked for", name)
				}
				found[name] = v
			}
			c, _, err := config.Load(nil, func(name string) string { return mounted.Replace(found[name]) })
			if err != nil {
				t.Fatalf("the program would not start:\n%v", err)
			}
			if !tt.want(c) {
				t.Errorf("it would start as %v", c)
			}
		})
	}
}

// kubernetes reads the environment of a manifest, of which it knows the two forms
// that stand there: a value on one line, and one that is taken from a secret.
func kubernetes(t *testing.T, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ +- \{ name: ([A-Z_]+), value: "?([^"}]*?)"? \}$`).FindAllStringSubmatch(text, -1) {
		out[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile(`(?m)^ +- name: ([A-Z_]+)\n +valueFrom: `).FindAllStringSubmatch(text, -1) {
		out[m[1]] = ""
	}
	whole(t, text, out)
	return out
}

// compose reads the environment that both servers of the file share: values, and
// defaults of what is taken from whoever starts it.
func compose(t *testing.T, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ +(LUMBUNG_[A-Z_]+): (.*)$`).FindAllStringSubmatch(text, -1) {
		out[m[1]] = m[2]
		if v, ok := strings.CutPrefix(m[2], "${"); ok {
			_, v, _ = strings.Cut(strings.TrimSuffix(v, "}"), ":-")
			out[m[1]] = v
		}
	}
	whole(t, text, out)
	return out
}

// whole fails if a line of a file sets what was not read: comments set nothing.
func whole(t *testing.T, text string, read map[string]string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^[^#\n]*?(LUMBUNG_[A-Z_]+)\b`).FindAllStringSubmatch(text, -1) {
		if _, ok := read[m[1]]; !ok {
			t.Errorf("%s stands there in a form that this test cannot read", m[1])
		}
	}
}
