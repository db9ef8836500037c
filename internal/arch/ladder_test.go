package arch_test

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// ladder lists the packages of every floor, lowest first. A package imports
// lower floors only; a folder that is not named lives on the floor of the
// nearest folder above it that is, and the two may import each other.
func ladder() [][]string {
	return [][]string{
		{".", "fault", "clock", "internal/phonebook"},
		{"id", "trace"},
		{"api/wire", "config", "logging", "message", "sync/merge", "trace/otlp"},
		{"sync/protocol"},
		{"domain"},
		{"store", "client/replica"},
		{"store/sqlite", "store/mongo", "store/storetest", "sync", "auth", "notify", "report", "client"},
		{"programme", "notify/fcm", "notify/webhook", "notify/webpush", "sync/adapter/rxdb", "sync/adapter/watermelon", "internal/fixture"},
		{"api"},
		{"app"},
		{"internal/play", "internal/sim", "internal/load", "internal/outage", "internal/desk"},
		{"cmd/lumbung"},
	}
}

// tools are the workbenches. They may import anything; only tests and other
// workbenches import them, and the simulator, which is one long test.
func tools() []string {
	return []string{"internal/arch", "internal/apitest", "internal/fcmfake", "internal/storefault"}
}

// floorOf finds the floor of dir and the folder that gives it.
func floorOf(dir string) (floor int, by string, ok bool) {
	for {
		for n, rooms := range ladder() {
			if slices.Contains(rooms, dir) {
				return n, dir, true
			}
		}
		if dir = path.Dir(dir); dir == "." || dir == "/" {
			return 0, "", false
		}
	}
}

func inTools(dir string) bool {
	return slices.ContainsFunc(tools(), func(tool string) bool { return under(dir, tool) })
}

func TestNoImportGoesUpOrSideways(t *testing.T) {
	for _, s := range read(t).files {
		if inTools(s.dir) {
			continue
		}
		floor, by, ok := floorOf(s.dir)
		if !ok {
			t.Errorf("%s: folder %s has no floor; name it in ladder()", s.path, s.dir)
			continue
		}
		for _, imported := range s.imports() {
			to := local(imported)
			if to == "" {
				continue
			}
			if inTools(to) {
				if !s.test && !under(s.dir, "internal/sim") && !under(s.dir, "store/storetest") && !served(s.dir, to) {
					t.Errorf("%s imports the workbench %s outside a test", s.path, to)
				}
				continue
			}
			if s.test && (to == "store/sqlite" || to == "store/storetest") {
				continue // a real database before a fake
			}
			target, toBy, ok := floorOf(to)
			switch {
			case !ok:
				t.Errorf("%s imports %s, which has no floor", s.path, to)
			case target > floor, target == floor && toBy != by && !s.test:
				t.Errorf("%s (floor %d) imports %s (floor %d): only lower floors may be imported", s.path, floor, to, target)
			}
		}
	}
}

func TestFencedModulesStayInTheirRooms(t *testing.T) {
	fences := []struct {
		module string // import path, or the beginning of one
		rooms  []string
	}{
		{"modernc.org/sqlite", []string{"store/sqlite", "client/replica", "internal/load/bare"}},
		{"database/sql", []string{"store/sqlite", "client/replica", "internal/load/bare"}},
		{"go.mongodb.org", []string{"store/mongo"}},
		{"github.com/gofiber", []string{"api", "internal/apitest", "internal/load/bare"}},
		{"github.com/valyala/fasthttp", []string{"api", "internal/apitest", "internal/load"}},
		{"github.com/golang-jwt", []string{"auth"}},
		{"github.com/pquerna/otp", []string{"auth"}},
		{"golang.org/x/crypto", []string{"auth"}},
		{"golang.org/x/term", []string{"internal/desk"}},
		{"github.com/prometheus", []string{"app"}},
		{"google.golang.org/protobuf", []string{"trace/otlp", "app"}},
		{"go.opentelemetry.io", []string{"app"}},
		{"firebase.google.com", []string{"notify/fcm"}},
		{"google.golang.org/api", []string{"notify/fcm"}},
		{"golang.org/x/oauth2", []string{"notify/fcm"}},
		{"github.com/SherClockHolmes", []string{"notify/webpush"}},
		{"github.com/xuri/excelize", []string{"report"}},
		{"github.com/oapi-codegen", []string{"api/wire"}},
		{"github.com/getkin/kin-openapi", []string{"api", "internal/apitest"}},
		{"github.com/Shopify/toxiproxy", []string{"internal/outage"}},
		{"github.com/rs/zerolog", []string{"internal/outage"}},
		{"github.com/stretchr/testify", nil},
	}
	for _, s := range read(t).files {
		for _, imported := range s.imports() {
			for _, f := range fences {
				if !under(imported, f.module) {
					continue
				}
				if !slices.ContainsFunc(f.rooms, func(room string) bool { return under(s.dir, room) }) {
					t.Errorf("%s imports %s, which stays in %v", s.path, imported, f.rooms)
				}
			}
		}
	}
}

// served reports whether a workbench is a command of the program too: lumbung fcm-fake is
// the fake push service, for those who build apps, and the phones of the demo and of a load
// ring there.
func served(dir, tool string) bool {
	return tool == "internal/fcmfake" && (dir == "cmd/lumbung" || dir == "internal/play" || dir == "internal/load")
}

// TestEnginesAreChosenInOnePlace: app chooses what it stands on. The providers of pushes are
// chosen by the command, so that Firebase (some 650 packages, minutes to build) is linked
// into the program alone and into no test of app or of what stands on it.
func TestEnginesAreChosenInOnePlace(t *testing.T) {
	for _, s := range read(t).files {
		if s.test || under(s.dir, "app") || strings.HasPrefix(s.dir, "internal/") {
			continue
		}
		for _, imported := range s.imports() {
			for _, engine := range []string{"store/sqlite", "store/mongo", "notify/fcm", "notify/webpush", "notify/webhook", "trace/otlp"} {
				if s.dir == "cmd/lumbung" && strings.HasPrefix(engine, "notify/") {
					continue
				}
				if to := local(imported); under(to, engine) && !under(s.dir, engine) {
					t.Errorf("%s imports %s, which only app may", s.path, to)
				}
			}
		}
	}
}

func TestRulesArePure(t *testing.T) {
	impure := []string{"context", "os", "io/fs", "net", "log", "math/rand", "math/rand/v2", "crypto/rand", "database/sql", "syscall", "unsafe"}
	for _, s := range read(t).files {
		if s.test || !under(s.dir, "domain") && !under(s.dir, "sync/merge") {
			continue
		}
		for _, imported := range s.imports() {
			if slices.ContainsFunc(impure, func(p string) bool { return under(imported, p) }) && imported != "net/netip" && imported != "net/url" {
				t.Errorf("%s imports %s: rules take values and give values", s.path, imported)
			}
		}
	}
}

func TestNoFolderIsABag(t *testing.T) {
	bags := []string{"pkg", "util", "utils", "common", "models", "helper", "helpers", "base", "core", "types", "misc", "shared", "lib"}
	for _, dir := range read(t).folders {
		if slices.Contains(bags, path.Base(dir)) {
			t.Errorf("folder %s is a bag: name what is in it", dir)
		}
	}
}

// TestFirebaseIsLinkedByTheProgramAlone: app and everything below it, and with them most
// tests, build without it.
func TestFirebaseIsLinkedByTheProgramAlone(t *testing.T) {
	for _, s := range read(t).files {
		if s.test || under(s.dir, "notify/fcm") || s.dir == "cmd/lumbung" {
			continue
		}
		for _, imported := range s.imports() {
			if local(imported) == "notify/fcm" {
				t.Errorf("%s imports notify/fcm, and Firebase with it", s.path)
			}
		}
	}
}
