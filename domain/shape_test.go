package domain_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestTheCatalogueOnlyGrows holds the tables against every version that phones
// may have. The file of the version that is being made follows the tables; it
// follows no change that is more than an addition.
func TestTheCatalogueOnlyGrows(t *testing.T) {
	now := domain.MustCatalogue().Shape()
	current := filepath.Join("testdata", "schema", fmt.Sprintf("v%d.json", now.Version))
	files, err := filepath.Glob(filepath.Join("testdata", "schema", "v*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		for _, wrong := range merge.Grown(shapeIn(t, path), now) {
			t.Errorf("%s: %s", path, wrong)
		}
	}
	text, err := json.MarshalIndent(now, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update && !t.Failed() {
		if err := os.WriteFile(current, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(current); err != nil || string(got) != string(text) {
		t.Errorf("%s is not what the tables say (%v): go generate ./domain", current, err)
	}
}

func shapeIn(t *testing.T, path string) (s merge.Shape) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
