package domain_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
)

// TestWhoLooksAtAFile: of different institutions, whoever has the fewest, and nobody who
// must not see it.
func TestWhoLooksAtAFile(t *testing.T) {
	t.Parallel()
	never := map[string]bool{"f": true}
	for name, tt := range map[string]struct {
		per      int
		curators []domain.Curating
		has      []string
		want     []string
	}{
		"the least busy of two institutions":                  {2, []domain.Curating{{"a", "BI", 3, nil, false}, {"b", "BI", 1, nil, false}, {"c", "IKMA", 9, nil, false}}, nil, []string{"b", "c"}},
		"equals by their ids":                                 {1, []domain.Curating{{"b", "BI", 0, nil, false}, {"a", "IKMA", 0, nil, false}}, nil, []string{"a"}},
		"who has an interest is not asked, however idle":      {2, []domain.Curating{{"a", "BI", 0, never, false}, {"b", "IKMA", 8, nil, false}, {"c", "BI", 9, nil, false}}, nil, []string{"b", "c"}},
		"nor asked again for one more":                        {2, []domain.Curating{{"a", "BI", 0, never, false}, {"b", "IKMA", 8, nil, false}, {"c", "Dinas", 9, nil, false}}, []string{"b"}, []string{"c"}},
		"an interest in another file is none":                 {1, []domain.Curating{{"a", "BI", 0, map[string]bool{"g": true}, false}, {"b", "IKMA", 8, nil, false}}, nil, []string{"a"}},
		"nobody more of an institution that looks at it":      {2, []domain.Curating{{"a", "BI", 0, nil, false}, {"b", "BI", 0, nil, false}, {"c", "IKMA", 5, nil, false}}, []string{"a"}, []string{"c"}},
		"an institution is one in whatever spelling":          {2, []domain.Curating{{"a", "Dinas Perindag", 0, nil, false}, {"b", " dinas  PERINDAG.", 1, nil, false}, {"c", "BI", 5, nil, false}}, nil, []string{"a", "c"}},
		"also where one of it looks at it already":            {2, []domain.Curating{{"a", "Dinas Perindag", 0, nil, true}, {"b", "dinas perindag", 0, nil, false}, {"c", "BI", 5, nil, false}}, []string{"a"}, []string{"c"}},
		"what has a legal form in its name stays its own":     {2, []domain.Curating{{"a", "Dinas IKM", 0, nil, false}, {"b", "Dinas UMKM", 0, nil, false}}, nil, []string{"a", "b"}},
		"as many as there are, where these are too few":       {3, []domain.Curating{{"a", "BI", 0, nil, false}, {"b", "BI", 0, nil, false}, {"c", "IKMA", 0, nil, false}}, nil, []string{"a", "c"}},
		"nobody where nobody is left":                         {1, []domain.Curating{{"a", "BI", 0, never, false}}, nil, nil},
		"nobody whose seat ended":                             {2, []domain.Curating{{"a", "BI", 0, nil, true}, {"b", "IKMA", 8, nil, false}, {"c", "BI", 9, nil, false}}, nil, []string{"b", "c"}},
		"whose sheet stays, of their institution":             {2, []domain.Curating{{"a", "BI", 0, nil, true}, {"b", "BI", 0, nil, false}, {"c", "IKMA", 9, nil, false}}, []string{"a"}, []string{"c"}},
		"nobody more where as many look at it as should look": {1, []domain.Curating{{"a", "BI", 0, nil, false}, {"b", "IKMA", 0, nil, false}}, []string{"b"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := domain.ShareFiles([]string{"f"}, tt.per, tt.curators, map[string][]string{"f": tt.has})
			if !slices.Equal(got["f"], tt.want) {
				t.Errorf("%v, want %v", got["f"], tt.want)
			}
		})
	}
}

// TestFilesAreSharedEvenly: each has two of different institutions, and nobody more than
// two files above anybody else.
func TestFilesAreSharedEvenly(t *testing.T) {
	t.Parallel()
	curators := []domain.Curating{{"a", "IKMA", 0, nil, false}, {"b", "IKMA", 0, nil, false}, {"c", "BI", 0, nil, false}, {"d", "Dekranasda", 0, nil, false}, {"e", "Dinas", 0, nil, false}, {"f", "Dinas", 0, nil, false}}
	var files []string
	for n := range 96 {
		files = append(files, string(rune('0'+n)))
	}
	load, from := map[string]int{}, map[string]string{}
	for _, c := range curators {
		from[c.User] = c.Institution
	}
	for file, users := range domain.ShareFiles(files, 2, curators, nil) {
		if len(users) != 2 || from[users[0]] == from[users[1]] {
			t.Errorf("file %s is looked at by %v", file, users)
		}
		for _, u := range users {
			load[u]++
		}
	}
	if counts := slices.Sorted(maps.Values(load)); len(counts) != 6 || counts[5]-counts[0] > 2 {
		t.Errorf("shared as %v", load)
	}
}
