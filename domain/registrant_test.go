package domain_test

import (
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
)

// lagawi is the window of the campaign, to the second.
func lagawi() domain.RegistrantRules {
	return domain.RegistrantRules{Provinces: []domain.Region{"18"}, Zone: domain.WIB,
		From: time.Date(2022, 2, 26, 17, 0, 0, 0, time.UTC), To: time.Date(2022, 3, 6, 16, 59, 59, 0, time.UTC),
		Judged: []string{domain.ItemInRegion, domain.ItemConsent}}
}

// listRow is a row that is fine, with the given cells put in.
func listRow(line int, kv ...string) map[string]string {
	cells := map[string]string{"external_ref": fmt.Sprint("ESM-", line), "registered_at": "2022-03-01 08:15:30", "business_name": fmt.Sprint("Keripik ", line), "owner_name": "Siti Aminah",
		"phone": fmt.Sprintf("0811700%04d", line), "region": "18.71", "category": "food_beverage"}
	for i := 0; i < len(kv); i += 2 {
		cells[kv[i]] = kv[i+1]
	}
	return cells
}

// table puts rows under a header of all columns; the first row lies on line 2.
func table(rows ...map[string]string) iter.Seq2[domain.TableRow, error] {
	return func(yield func(domain.TableRow, error) bool) {
		header := domain.TableRow{Line: 1}
		for _, c := range domain.RegistrantColumns() {
			header.Cells = append(header.Cells, domain.Cell{Text: c.Field})
		}
		if !yield(header, nil) {
			return
		}
		for i, cells := range rows {
			row := domain.TableRow{Line: i + 2}
			for _, c := range domain.RegistrantColumns() {
				row.Cells = append(row.Cells, domain.Cell{Text: cells[c.Field]})
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func readList(t testing.TB, rows ...map[string]string) domain.Import {
	t.Helper()
	out, err := domain.ReadRegistrants(table(rows...), lagawi(), domain.Known{})
	if err != nil || out.Header != nil {
		t.Fatalf("%v, %v", out.Header, err)
	}
	return out
}

// said is what is wrong, as line:field:code.
func said(wrong []domain.RowError) []string {
	var out []string
	for _, w := range wrong {
		out = append(out, fmt.Sprintf("%d:%s:%s", w.Line, w.Field, w.Code))
	}
	return out
}

func TestCellsOfARegistrant(t *testing.T) {
	type reg = domain.Registrant
	tests := []struct {
		name, field, in string
		got             func(reg) any
		want            any
		code            string
	}{
		{"phone as typed", "phone", "08117000123", func(r reg) any { return r.Phone }, domain.Phone("+628117000123"), ""},
		{"phone with country code and hyphen", "phone", "62 811-7000123", func(r reg) any { return r.Phone }, domain.Phone("+628117000123"), ""},
		{"phone with plus", "phone", "+62811 7000123", func(r reg) any { return r.Phone }, domain.Phone("+628117000123"), ""},
		{"phone that lost its zero", "phone", "8117000123", func(r reg) any { return r.Phone }, domain.Phone("+628117000123"), ""},
		{"phone that a program made a fraction of", "phone", "8117000123.0", func(r reg) any { return r.Phone }, domain.Phone("+628117000123"), ""},
		{"phone of which digits are lost", "phone", "8,117E+09", func(r reg) any { return r.Phone }, domain.Phone(""), "phone_scientific"},
		{"phone of a house", "phone", "0721-1234", func(r reg) any { return r.Phone }, domain.Phone(""), "phone_landline"},
		{"phone abroad", "phone", "+6581234567", func(r reg) any { return r.Phone }, domain.Phone(""), "phone_foreign"},
		{"phone of seven digits", "phone", "8117001", func(r reg) any { return r.Phone }, domain.Phone(""), "phone_too_short"},
		{"no phone", "phone", " ", func(r reg) any { return r.Phone }, domain.Phone(""), "required"},
		{"a dash for a phone", "phone", "-", func(r reg) any { return r.Phone }, domain.Phone(""), "required"},

		{"NIB", "nib", "9120001234567", func(r reg) any { return r.NIB }, "9120001234567", ""},
		{"NIB in groups", "nib", "0220 0012-34567", func(r reg) any { return r.NIB }, "0220001234567", ""},
		{"NIB whose zero may be lost", "nib", "220001234567", func(r reg) any { return r.NIB }, "", "nib_zero_lost"},
		{"NIB of fourteen digits", "nib", "91200012345678", func(r reg) any { return r.NIB }, "", "nib_invalid"},
		{"NIB in scientific notation", "nib", "9,12E+12", func(r reg) any { return r.NIB }, "", "cell_digits_lost"},
		{"NIB of zeros, which is none and no duplicate", "nib", "0000000000000", func(r reg) any { return r.NIB }, "", "nib_invalid"},
		{"no NIB yet", "nib", "Belum ada", func(r reg) any { return r.NIB }, "", ""},
		{"a dash for a NIB", "nib", "–", func(r reg) any { return r.NIB }, "", ""},

		{"region by code", "region", "18.10", func(r reg) any { return r.Region }, domain.Region("18.10"), ""},
		{"region by the code of a district", "region", "18.71.01", func(r reg) any { return r.Region }, domain.Region("18.71"), ""},
		{"region with a decimal comma", "region", "18,71", func(r reg) any { return r.Region }, domain.Region("18.71"), ""},
		{"region in the digits of Arabic", "region", "١٨.٧١", func(r reg) any { return r.Region }, domain.Region("18.71"), ""},
		{"region by name", "region", "bandar lampung", func(r reg) any { return r.Region }, domain.Region("18.71"), ""},
		{"region by name and kind", "region", "KAB. PRINGSEWU", func(r reg) any { return r.Region }, domain.Region("18.10"), ""},
		{"region by its short name", "region", "Lamsel", func(r reg) any { return r.Region }, domain.Region("18.01"), ""},
		{"region outside of the programme, for stage 1 to judge", "region", "16.08", func(r reg) any { return r.Region }, domain.Region("16.08"), ""},
		{"region that lost a digit", "region", "18.1", func(r reg) any { return r.Region }, domain.Region(""), "region_zero_lost"},
		{"region of the statistics office", "region", "1871", func(r reg) any { return r.Region }, domain.Region(""), "region_invalid"},
		{"a province is no regency", "region", "18", func(r reg) any { return r.Region }, domain.Region(""), "region_invalid"},
		{"region that nobody knows", "region", "18.44", func(r reg) any { return r.Region }, domain.Region(""), "region_unknown"},
		{"region by a name of another province", "region", "Kota Bandung", func(r reg) any { return r.Region }, domain.Region(""), "region_unknown"},
		{"a city is no regency", "region", "Kab. Bandar Lampung", func(r reg) any { return r.Region }, domain.Region(""), "region_unknown"},

		{"category by code", "category", "crafts", func(r reg) any { return r.Category }, "crafts", ""},
		{"category in Indonesian", "category", "makanan & minuman", func(r reg) any { return r.Category }, "food_beverage", ""},
		{"category that nobody knows", "category", "emas", func(r reg) any { return r.Category }, "", "category_unknown"},
		{"category by its label", "category", "MAKANAN  dan Minuman", func(r reg) any { return r.Category }, "food_beverage", ""},
		{"category in English", "category", "Food and beverages", func(r reg) any { return r.Category }, "food_beverage", ""},
		{"category by an alias", "category", "fesyen", func(r reg) any { return r.Category }, "fashion", ""},
		{"further categories, the primary one first", "other_categories", "Kriya / Pangan, Busana", func(r reg) any { return strings.Join(r.Categories, " ") }, "food_beverage crafts fashion", ""},
		{"too many of them", "other_categories", "Kriya, Mainan, Busana", func(r reg) any { return len(r.Categories) }, 1, "too_many_categories"},
		{"size", "size_class", "Usaha Mikro", func(r reg) any { return r.SizeClass }, "micro", ""},
		{"size that nobody knows", "size_class", "raksasa", func(r reg) any { return r.SizeClass }, "", "size_unknown"},
		{"e-mail", "email", "siti@contoh.id", func(r reg) any { return r.Email }, "siti@contoh.id", ""},
		{"no e-mail", "email", "siti(at)contoh.id", func(r reg) any { return r.Email }, "", "email_invalid"},
		{"answer", "survey_device", "4", func(r reg) any { return r.Survey["device"] }, 4, ""},
		{"answer of a program", "survey_device", "3.0", func(r reg) any { return r.Survey["device"] }, 3, ""},
		{"answer beyond the scale", "survey_device", "5", func(r reg) any { return len(r.Survey) }, 0, "answer_invalid"},
		{"half an answer", "survey_device", "2,5", func(r reg) any { return len(r.Survey) }, 0, "answer_invalid"},
		{"yes", "consent", "YA", func(r reg) any { return r.Checks["consent"] }, true, ""},
		{"no", "assisted_this_year", "Belum pernah", func(r reg) any { return r.Checks["assisted_this_year"] }, false, ""},
		{"neither", "consent", "t", func(r reg) any { return len(r.Checks) }, 0, "yes_or_no"},

		{"a name of one letter", "business_name", "X", func(r reg) any { return r.Business }, "", "text_too_short"},
		{"a name of punctuation", "owner_name", "...", func(r reg) any { return r.Owner }, "", "text_too_short"},
		{"a name that is too long", "owner_name", strings.Repeat("a", 101), func(r reg) any { return r.Owner }, "", "text_too_long"},
		{"accents are composed, blanks are one", "owner_name", " Jose\u0301 \t\u00a0 da  Silva ", func(r reg) any { return r.Owner }, "Jos\u00e9 da Silva", ""},
		{"a turned name is turned back", "business_name", "Keripik \u202etxt.exe\u202c", func(r reg) any { return r.Business }, "Keripik txt.exe", ""},
		{"what nobody sees is taken out", "business_name", "Ke\u200bri\u00adpik\ufeff", func(r reg) any { return r.Business }, "Keripik", ""},
		{"only what nobody sees", "business_name", "\u200b\u200d", func(r reg) any { return r.Business }, "", "required"},
		{"NUL", "business_name", "Keripik\x00", func(r reg) any { return r.Business }, "", "text_unreadable"},
		{"an escape of a terminal", "business_name", "\x1b[31mKeripik", func(r reg) any { return r.Business }, "", "text_unreadable"},
		{"broken UTF-8", "business_name", "Keripik\xff", func(r reg) any { return r.Business }, "", "text_unreadable"},
		{"a letter that got lost before", "business_name", "Keripik \ufffd", func(r reg) any { return r.Business }, "", "text_unreadable"},
		{"zalgo", "business_name", "K" + strings.Repeat("\u0301\u0316", 20) + "eripik", func(r reg) any { return r.Business }, "", "text_marks"},
		{"a megabyte", "address", strings.Repeat("a", 1<<20), func(r reg) any { return r.Address }, "", "cell_too_long"},
		{"line breaks of an address are blanks", "address", "Jl. Kartini\r\nNo. 1", func(r reg) any { return r.Address }, "Jl. Kartini No. 1", ""},
		{"a formula is a text", "business_name", "=1+1", func(r reg) any { return r.Business }, "=1+1", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header, row := domain.TableRow{Line: 1}, domain.TableRow{Line: 2}
			cells := listRow(2, tt.field, tt.in)
			for _, field := range slices.Sorted(maps.Keys(cells)) {
				header.Cells, row.Cells = append(header.Cells, domain.Cell{Text: field}), append(row.Cells, domain.Cell{Text: cells[field]})
			}
			list, wrong := domain.NewRegistrantTable(header, lagawi())
			if wrong != nil {
				t.Fatal(said(wrong))
			}
			r, wrong := list.Read(row)
			want := []string(nil)
			if tt.code != "" {
				want = []string{"2:" + tt.field + ":" + tt.code}
			}
			if got := tt.got(r); got != tt.want || !slices.Equal(said(wrong), want) {
				t.Errorf("%.60q gives %v, %q; want %v, %q", tt.in, got, said(wrong), tt.want, want)
			}
		})
	}
}

func TestMoments(t *testing.T) {
	at := time.Date(2022, 2, 27, 1, 15, 30, 0, time.UTC)
	tests := []struct {
		in   string
		want time.Time
		code string
	}{
		{"2022-02-27 08:15:30", at, ""}, {"2022-02-27T08:15:30", at, ""}, {"2022-02-27T08:15:30+07:00", at, ""}, {"2022-02-27T01:15:30Z", at, ""}, {"2022-02-27 08:15:30.999", at, ""},
		{"27/02/2022 08:15:30", at, ""}, {"27-2-2022 08.15.30", at, ""}, {"27.02.2022 8:15:30", at, ""}, {"2022/02/27 08:15:30", at, ""},
		{"27 Februari 2022 08.15.30", at, ""}, {"Minggu, 27 Feb 2022 pukul 08.15.30 WIB", at, ""}, {"2022-02-27 09:15:30 WITA", at, ""}, {"27 february 2022 10:15:30 wit", at, ""},
		{"27/02/2022 08.15", at.Add(-30 * time.Second), ""}, {"27/02/2022", time.Date(2022, 2, 26, 17, 0, 0, 0, time.UTC), ""},
		{"02/27/2022 08:15:30", time.Time{}, "moment_invalid"}, {"27/02/2022 08:15:30 PM", time.Time{}, "moment_invalid"}, {"27/02/22", time.Time{}, "moment_invalid"},
		{"31/02/2022", time.Time{}, "moment_invalid"}, {"2022-02-27 24:00:00", time.Time{}, "moment_invalid"}, {"2022-02-27 08:60", time.Time{}, "moment_invalid"},
		{"08:15:30", time.Time{}, "moment_invalid"}, {"besok", time.Time{}, "moment_invalid"}, {"27 Foo 2022", time.Time{}, "moment_invalid"}, {"2022-02-27 08:15:30.x", time.Time{}, "moment_invalid"},
		{"44619.34410", time.Time{}, "date_serial"}, {"44619", time.Time{}, "date_serial"}, {"44619,34", time.Time{}, "date_serial"},
		{"0000-01-01", time.Time{}, "moment_invalid"}, {strings.Repeat("2", 100), time.Time{}, "moment_invalid"}, {"", time.Time{}, "moment_invalid"},
	}
	for _, tt := range tests {
		if got, err := domain.ParseMoment(tt.in, domain.WIB); !got.Equal(tt.want) || codeOf(err) != tt.code {
			t.Errorf("%.40q is %v, %v; want %v, %q", tt.in, got, err, tt.want, tt.code)
		}
	}
	if got, _ := domain.ParseMoment("2022-02-27 09:15:30", domain.WITA); !got.Equal(at) {
		t.Errorf("in WITA %v", got)
	}
}

func TestTheWindowIsClosedAtBothEnds(t *testing.T) {
	out := readList(t, listRow(2, "registered_at", "26/02/2022 23:59:59"), listRow(3, "registered_at", "27/02/2022"), listRow(4, "registered_at", "06/03/2022 23:59:59"),
		listRow(5, "registered_at", "07/03/2022 00:00:00"), listRow(6, "registered_at", "2022-03-06T17:00:01Z"))
	if want := []string{"2:registered_at:window_not_open", "5:registered_at:window_closed", "6:registered_at:window_closed"}; !slices.Equal(said(out.Rejected), want) || out.Accepted != 2 {
		t.Errorf("%q, %d accepted", said(out.Rejected), out.Accepted)
	}
}

func TestARowTellsAllItsErrors(t *testing.T) {
	out := readList(t, listRow(2, "phone", "0721-1234", "nib", "12", "region", "", "category", "emas", "survey_ads", "9", "email", "x", "registered_at", "2023-01-01", "business_name", "\x00"))
	want := []string{"2:registered_at:window_closed", "2:business_name:text_unreadable", "2:phone:phone_landline", "2:nib:nib_invalid", "2:region:required", "2:category:category_unknown",
		"2:email:email_invalid", "2:survey_ads:answer_invalid"}
	if !slices.Equal(said(out.Rejected), want) || out.Refused != 1 || out.Read != 1 || out.Registrants != nil {
		t.Errorf("%q of %+v", said(out.Rejected), out)
	}
}

func TestHeadersAreFoundHoweverTheyAreSpelled(t *testing.T) {
	header := func(names ...string) domain.TableRow {
		row := domain.TableRow{Line: 3}
		for _, n := range names {
			row.Cells = append(row.Cells, domain.Cell{Text: n})
		}
		return row
	}
	good := []string{"NO. PENDAFTARAN", "tanggal_daftar", "Nama-Usaha", "Nama Pemilik\u00a0", "No. HP / WA", "Kabupaten / Kota", "Bidang Usaha"}
	list, wrong := domain.NewRegistrantTable(header(append(good, "", "Warna kesukaan", "e-mail", "")...), lagawi())
	if wrong != nil || !slices.Equal(list.Ignored, []string{"Warna kesukaan"}) {
		t.Fatalf("%q, ignored %q", said(wrong), list.Ignored)
	}
	_, wrong = domain.NewRegistrantTable(header(append(good[2:], "Telepon", "Nama\x00")...), lagawi())
	if want := []string{"3:phone:column_twice", "3::text_unreadable", "3:external_ref:column_missing", "3:registered_at:column_missing"}; !slices.Equal(said(wrong), want) {
		t.Errorf("%q, want %q", said(wrong), want)
	}
	if wrong[0].Column != "Telepon" || wrong[1].Column != "7" || wrong[2].Column != "external_ref" {
		t.Errorf("columns are called %q, %q, %q", wrong[0].Column, wrong[1].Column, wrong[2].Column)
	}
}

func TestNoSpellingNamesTwoColumns(t *testing.T) {
	fold := strings.NewReplacer(" ", "", ".", "", "/", "", "-", "", "_", "", "(", "", ")", "")
	seen := map[string]string{}
	for _, c := range domain.RegistrantColumns() {
		for _, s := range append(c.Spellings, c.Field) {
			s = strings.ToLower(fold.Replace(s))
			if seen[s] != "" && seen[s] != c.Field {
				t.Errorf("%q is %s and %s", s, seen[s], c.Field)
			}
			seen[s] = c.Field
		}
	}
}

func TestCellsBeyondTheHeaderRefuseTheRow(t *testing.T) {
	rows := func(yield func(domain.TableRow, error) bool) {
		for row := range table(listRow(2), listRow(3)) {
			row.Cells = append(row.Cells, domain.Cell{}, domain.Cell{Text: map[int]string{1: "", 2: " ", 3: "x"}[row.Line]})
			if !yield(row, nil) {
				return
			}
		}
	}
	out, err := domain.ReadRegistrants(rows, lagawi(), domain.Known{})
	if want := []string{"3::cells_beyond_header"}; err != nil || !slices.Equal(said(out.Rejected), want) || out.Accepted != 1 {
		t.Errorf("%v, %q", err, said(out.Rejected))
	}
}

func TestCellsThatCouldNotBeReadRefuseTheRow(t *testing.T) {
	rows := func(yield func(domain.TableRow, error) bool) {
		for row := range table(listRow(2)) {
			if row.Line == 2 {
				row.Cells[5].Code, row.Cells[4] = "cell_formula", domain.Cell{Code: "cell_digits_lost"}
			}
			yield(row, nil)
		}
	}
	out, err := domain.ReadRegistrants(rows, lagawi(), domain.Known{})
	if want := []string{"2:phone:cell_digits_lost", "2:nib:cell_formula"}; err != nil || !slices.Equal(said(out.Rejected), want) {
		t.Errorf("%v, %q", err, said(out.Rejected))
	}
}

func TestTheEarlierRowWins(t *testing.T) {
	const nib = "9120001234567"
	tests := []struct {
		name string
		rows []map[string]string
		want []string
		line int
	}{
		{"one registration id, in any case", []map[string]string{listRow(2, "external_ref", "esm-7"), listRow(3, "external_ref", "ESM-7")}, []string{"3:external_ref:duplicate_of_line"}, 2},
		{"one NIB", []map[string]string{listRow(2, "nib", nib), listRow(3), listRow(4, "nib", "9120-0012-34567")}, []string{"4:nib:duplicate_of_line"}, 2},
		{"one phone and name, both in another spelling", []map[string]string{listRow(2, "phone", "08117000001", "business_name", "Littlemonq"), listRow(3, "phone", "62 811-7000-001", "business_name", "UD. LITTLE  MONQ")},
			[]string{"3:phone:duplicate_of_line"}, 2},
		{"one phone and two businesses are two", []map[string]string{listRow(2, "phone", "08117000001"), listRow(3, "phone", "08117000001")}, nil, 0},
		{"one name and two phones are two", []map[string]string{listRow(2, "business_name", "Berkah"), listRow(3, "business_name", "Berkah")}, nil, 0},
		{"two without NIB are two", []map[string]string{listRow(2, "nib", "-"), listRow(3, "nib", "-")}, nil, 0},
		{"a refused row stands in nobody's way", []map[string]string{listRow(2, "external_ref", "E", "phone", "1"), listRow(3, "external_ref", "E"), listRow(4, "external_ref", "E")},
			[]string{"2:phone:phone_invalid", "4:external_ref:duplicate_of_line"}, 3},
		{"a duplicate tells its other errors too", []map[string]string{listRow(2, "external_ref", "E"), listRow(3, "external_ref", "E", "phone", "0721-1234")},
			[]string{"3:phone:phone_landline", "3:external_ref:duplicate_of_line"}, 2},
	}
	for _, tt := range tests {
		out := readList(t, tt.rows...)
		if !slices.Equal(said(out.Rejected), tt.want) || out.Read != len(tt.rows) || out.Read != out.Accepted+out.Refused {
			t.Errorf("%s: %q of %+v", tt.name, said(out.Rejected), out)
			continue
		}
		if n := len(out.Rejected); tt.line > 0 && out.Rejected[n-1].Params["line"] != tt.line {
			t.Errorf("%s: duplicate of %v, want %d", tt.name, out.Rejected[n-1].Params["line"], tt.line)
		}
	}
}

func TestASecondImportChangesNothing(t *testing.T) {
	first := []map[string]string{listRow(2, "nib", "9120001234567"), listRow(3, "external_ref", "ESM-2", "business_name", "Lain"), listRow(4)}
	out := readList(t, first...)
	if out.Accepted != 2 || out.Refused != 1 {
		t.Fatalf("%+v", out)
	}
	var known domain.Known
	for _, r := range out.Registrants {
		known.Add("application of "+r.Ref, r.Keys())
	}
	known.Add("made by hand", domain.Keys{Ref: "esm-9"})
	again := append(first, listRow(5, "external_ref", "ESM-2", "business_name", "Ganti"), listRow(6, "nib", "9120001234567"), listRow(7, "phone", "0811-7000-004", "business_name", "keripik 4"),
		listRow(8, "external_ref", "ESM-9"), listRow(9, "phone", "1", "external_ref", "ESM-4"))
	for _, tt := range []struct {
		name string
		rows []map[string]string
		want []string
	}{
		{"the file itself", first, []string{"3:external_ref:duplicate_of_line"}},
		{"a longer one", again, []string{"3:external_ref:duplicate_of_line", "5:external_ref:duplicate_of_line", "6:nib:duplicate_of_line", "7:phone:duplicate_of_line", "9:phone:phone_invalid", "9:external_ref:duplicate_of_line"}},
		{"only what is new in it", again[3:], []string{"2:external_ref:registered_differs", "3:nib:already_registered", "4:phone:already_registered", "6:phone:phone_invalid"}},
	} {
		out, err := domain.ReadRegistrants(table(tt.rows...), lagawi(), known)
		if err != nil || out.Accepted != 0 || !slices.Equal(said(out.Rejected), tt.want) || out.Read != out.Unchanged+out.Refused {
			t.Errorf("%s: %v, %q of %+v", tt.name, err, said(out.Rejected), out)
		}
	}
}

func TestAnErrorOfTheFileStopsTheImport(t *testing.T) {
	rows := func(yield func(domain.TableRow, error) bool) {
		for row := range table(listRow(2)) {
			if !yield(row, nil) {
				return
			}
		}
		yield(domain.TableRow{}, fmt.Errorf("torn: %w", errTorn))
	}
	if out, err := domain.ReadRegistrants(rows, lagawi(), domain.Known{}); err == nil || out.Read != 0 || out.Registrants != nil {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := domain.ReadRegistrants(func(func(domain.TableRow, error) bool) {}, lagawi(), domain.Known{}); err != nil || !reflect.DeepEqual(out, domain.Import{}) {
		t.Errorf("of nothing %+v, %v", out, err)
	}
}

var errTorn = fmt.Errorf("torn")

// TestEveryErrorIsASentence: no sentence of an error of a row has a hole that its
// parameters do not fill.
func TestEveryErrorIsASentence(t *testing.T) {
	bad := map[string][]string{"phone": {"", "1", "8.1E9"}, "registered_at": {"x", "44619", "2021-01-01", "2023-01-01"}, "nib": {"1", "220001234567", "1E+12"}, "region": {"x", "1", "18.1"},
		"category": {"x"}, "other_categories": {"toys,crafts,other"}, "size_class": {"x"}, "email": {"x"}, "survey_ads": {"x"}, "consent": {"x"},
		"business_name": {"x", strings.Repeat("x", 121), "\x00", "a\u0301\u0301\u0301\u0301\u0301", strings.Repeat("x", 200_000)}}
	for field, values := range bad {
		for _, v := range values {
			out := readList(t, listRow(2, field, v))
			if len(out.Rejected) == 0 {
				t.Errorf("%s %.20q is accepted", field, v)
			}
			for _, w := range out.Rejected {
				for lang, s := range message.Both(w.Code, w.Params) {
					if !message.Known(w.Code) || strings.Contains(s, "…") || strings.Contains(s, "{") {
						t.Errorf("%s in %s: %q", w.Code, lang, s)
					}
				}
			}
		}
	}
}

// TestReadingTwiceIsReadingOnce: what was read, written out plainly and read again, is
// the same; and every row is counted once.
func TestReadingTwiceIsReadingOnce(t *testing.T) {
	values := map[string][]string{
		"external_ref": {"ESM-1", "esm-1", "ESM 2", "ESM-3", ""}, "registered_at": {"2022-03-01 08:15", "1/3/2022", "7/3/2022", "x"}, "business_name": {"Berkah", "UD BERKAH", "Lain", "\u202eX", ""},
		"owner_name": {"Siti", "Jose\u0301"}, "phone": {"08117000001", "8117000001", "62 811 7000 002", "0721-1"}, "nib": {"", "9120001234567", "9120-001-234567", "0000000000000"},
		"region": {"18.71", "Kota Metro", "16.08", "18.1"}, "category": {"Pangan", "crafts", "emas"}, "other_categories": {"", "Kriya", "toys/crafts"}, "address": {"", "Jl.\n1"},
		"size_class": {"", "mikro", "?"}, "email": {"", "a@b.id"}, "survey_ads": {"", "0", "4"}, "consent": {"", "ya", "tidak"},
	}
	rapid.Check(t, func(t *rapid.T) {
		var rows []map[string]string
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			row := map[string]string{}
			for _, field := range slices.Sorted(maps.Keys(values)) {
				row[field] = rapid.SampledFrom(values[field]).Draw(t, field)
			}
			rows = append(rows, row)
		}
		out, err := domain.ReadRegistrants(table(rows...), lagawi(), domain.Known{})
		if err != nil || out.Read != len(rows) || out.Read != out.Accepted+out.Refused || len(out.Registrants) != out.Accepted {
			t.Fatalf("%v of %+v", err, out)
		}
		refused := map[int]bool{}
		for _, w := range out.Rejected {
			refused[w.Line] = true
		}
		if len(refused) != out.Refused {
			t.Fatalf("%d lines with errors, %d refused", len(refused), out.Refused)
		}
		var known domain.Known
		var plain []map[string]string
		for _, r := range out.Registrants {
			known.Add(r.Ref, r.Keys())
			plain = append(plain, plainCells(r))
		}
		again, err := domain.ReadRegistrants(table(plain...), lagawi(), domain.Known{})
		if err != nil || again.Refused > 0 || len(again.Registrants) != len(out.Registrants) {
			t.Fatalf("again %v of %+v", err, again)
		}
		for i, r := range again.Registrants {
			r.Line = out.Registrants[i].Line
			if !reflect.DeepEqual(r, out.Registrants[i]) {
				t.Fatalf("%+v is read again as %+v", out.Registrants[i], r)
			}
		}
		if third, err := domain.ReadRegistrants(table(rows...), lagawi(), known); err != nil || third.Accepted > 0 || third.Unchanged != out.Accepted || third.Refused != out.Refused {
			t.Fatalf("a second import %v: %+v, the first %+v", err, third, out)
		}
	})
}

// plainCells is r as plain cells.
func plainCells(r domain.Registrant) map[string]string {
	out := map[string]string{"external_ref": r.Ref, "registered_at": r.RegisteredAt.Format(time.RFC3339), "business_name": r.Business, "owner_name": r.Owner, "phone": string(r.Phone), "nib": r.NIB,
		"region": string(r.Region), "category": r.Category, "other_categories": strings.Join(r.Categories[1:], ","), "address": r.Address, "size_class": r.SizeClass, "email": r.Email}
	for item, n := range r.Survey {
		out["survey_"+item] = fmt.Sprint(n)
	}
	for check, yes := range r.Checks {
		out[check] = map[bool]string{true: "ya", false: "tidak"}[yes]
	}
	return out
}

// FuzzRegistrantRow: whatever stands in the cells, a row is accepted whole or refused
// with sentences, and what is accepted is clean.
func FuzzRegistrantRow(f *testing.F) {
	f.Add("ESM-1", "2022-03-01 08:15", "Berkah", "08117000001", "9120001234567", "Kota Metro", "Pangan", "kriya", "Jl. 1", "mikro", "a@b.id", "4", "ya")
	f.Add("'1", "1/3/2022 8.15 WIB", "=1+1", "8.1E+9", "22000", "18,71", "TTG", "", "\u202e", "?", "@", "2.0", "t")
	f.Fuzz(func(t *testing.T, ref, at, business, phone, nib, region, category, further, address, size, email, answer, consent string) {
		cells := map[string]string{"external_ref": ref, "registered_at": at, "business_name": business, "owner_name": business, "phone": phone, "nib": nib, "region": region, "category": category,
			"other_categories": further, "address": address, "size_class": size, "email": email, "survey_ads": answer, "consent": consent}
		out, err := domain.ReadRegistrants(table(cells), lagawi(), domain.Known{})
		if err != nil || out.Header != nil || out.Read > 1 || out.Read != out.Accepted+out.Refused || out.Refused > 0 != (len(out.Rejected) > 0) {
			t.Fatalf("%v of %+v", err, out)
		}
		for _, w := range out.Rejected {
			if s := message.Text(w.Code, message.ID, w.Params).String(); !message.Known(w.Code) || strings.Contains(s, "…") {
				t.Fatalf("%+v says %q", w, s)
			}
		}
		for _, r := range out.Registrants {
			again := readList(t, plainCells(r))
			if len(again.Registrants) != 1 {
				t.Fatalf("%+v is refused: %q", r, said(again.Rejected))
			}
			if b := again.Registrants[0]; b.Keys() != r.Keys() {
				t.Fatalf("%+v is read again as %+v", r, b)
			}
		}
	})
}

// BenchmarkReadRegistrants is a list of 10,000 rows, without the file.
func BenchmarkReadRegistrants(b *testing.B) {
	var rows []domain.TableRow
	cells := []map[string]string{}
	for i := range 10_000 {
		cells = append(cells, listRow(i+2, "phone", fmt.Sprintf("0811-%07d", i), "nib", fmt.Sprintf("91200%08d", i+1), "registered_at", "27/02/2022 08.15.30", "region", "Kota Metro", "category", "Pangan",
			"address", "Jl. Kartini No. 1", "consent", "ya", "survey_ads", "3"))
	}
	for row := range table(cells...) {
		rows = append(rows, row)
	}
	source := func(yield func(domain.TableRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if out, err := domain.ReadRegistrants(source, lagawi(), domain.Known{}); err != nil || out.Accepted != 10_000 {
			b.Fatalf("%v, %d accepted, %v", err, out.Accepted, out.Rejected[0])
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// TestOfManyErrorsTheFirstAreKept: a list whose columns are mixed up is refused in every cell,
// and what is told of it does not grow with it.
func TestOfManyErrorsTheFirstAreKept(t *testing.T) {
	t.Parallel()
	header := []string{"external_ref", "registered_at", "business_name", "owner_name", "phone", "nib", "region", "primary_category", "other_categories", "address", "size_class", "email"}
	const rows = 3000
	list := func(yield func(domain.TableRow, error) bool) {
		for line := range rows + 1 {
			row := domain.TableRow{Line: line + 1}
			for _, name := range header {
				if line > 0 {
					name = "?"
				}
				row.Cells = append(row.Cells, domain.Cell{Text: name})
			}
			if !yield(row, nil) {
				return
			}
		}
	}
	in, err := domain.ReadRegistrants(list, domain.RegistrantRules{}, domain.Known{})
	if err != nil || in.Read != rows || in.Refused != rows || in.Errors <= domain.MaxRejected || len(in.Rejected) != domain.MaxRejected || in.Rejected[0].Line != 2 {
		t.Errorf("%d read, %d refused, %d errors, %d kept, %v, %v", in.Read, in.Refused, in.Errors, len(in.Rejected), in.Header, err)
	}
}
