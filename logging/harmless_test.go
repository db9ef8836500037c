package logging

import "testing"

// FuzzHarmless: what is not looked at has nothing that would be taken out.
func FuzzHarmless(f *testing.F) {
	for _, s := range []string{"", "GET", "/v1/businesses/{business}", "017fe800-30e8-7ec5-9f1b-8fb756166d0f", "08117000-0010-7ec5-9f1b-08117000001a", "eyJhbGciOiJFUzI", "a eyJ", "bearer/x", "token.x",
		"request", "kode-otp", "x-y_z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := thoroughly(s); harmless(s) && got != s {
			t.Fatalf("%q is called harmless and becomes %q", s, got)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	for b.Loop() {
		for _, s := range []string{"request", "POST", "/v1/sync/push", "017fe800-30e8-7ec5-9f1b-8fb756166d0f"} {
			Redact(s)
		}
	}
}
