package message

// lineTable holds single lines that the phone puts together: the text that an
// owner shares, and hints beside a form.
var lineTable = map[string]entry{
	"share_title":   {Sentence{"Penjualan {name}", ""}, Sentence{"Sales of {name}", ""}},
	"share_span":    {Sentence{"{from} – {to}", ""}, Sentence{"{from} – {to}", ""}},
	"share_total":   {Sentence{"Jumlah: {amount} dari {n} catatan", ""}, Sentence{"Total: {amount} in {n} entries", ""}},
	"share_online":  {Sentence{"Daring: {amount}", ""}, Sentence{"Online: {amount}", ""}},
	"share_offline": {Sentence{"Luring: {amount}", ""}, Sentence{"Offline: {amount}", ""}},
	"share_part":    {Sentence{"- {name}: {amount}", ""}, Sentence{"- {name}: {amount}", ""}},
	"share_unsent":  {Sentence{"{n} catatan ({amount}) belum terkirim ke server", ""}, Sentence{"{n} entries ({amount}) have not reached the server yet", ""}},
	"share_none":    {Sentence{"Belum ada catatan penjualan.", ""}, Sentence{"No sales have been entered yet.", ""}},
	"share_basis":   {Sentence{"Nilai barang setelah potongan, tanpa ongkos kirim.", ""}, Sentence{"Value of goods after discount, without shipping.", ""}},

	"hint_same_order": {
		Sentence{"Nomor pesanan ini sudah dicatat.", "Hanya satu catatan yang akan dihitung."},
		Sentence{"This order number has been entered.", "Only one of the entries will count."}},
	"hint_same_day_total": {
		Sentence{"Total hari itu untuk saluran ini sudah dicatat.", "Hanya satu catatan yang akan dihitung."},
		Sentence{"The total of that day for this channel has been entered.", "Only one of the entries will count."}},
	"hint_look_alike": {
		Sentence{"Catatan yang sama baru saja dibuat.", "Jika ini penjualan lain, simpan saja; keduanya dihitung."},
		Sentence{"An equal entry was made a moment ago.", "If this is another sale, keep it; both will count."}},
	"hint_backdated": {
		Sentence{"Tanggal penjualan sudah lama berlalu.", "Catatan akan diberi tanda terlambat dicatat."},
		Sentence{"The day of the sale is long past.", "The entry will be marked as written down late."}},
	"hint_receipt_wanted": {
		Sentence{"Sertakan foto nota untuk jumlah sebesar ini.", ""},
		Sentence{"Please add a photo of the receipt for an amount like this.", ""}},
	"hint_place_missing": {
		Sentence{"Pilih lokapasar atau pameran tempat barang terjual.", ""},
		Sentence{"Choose the marketplace or the exhibition.", ""}},
	"hint_date_in_future": {
		Sentence{"Tanggal penjualan masih di depan.", "Periksa tanggalnya, juga tanggal di ponsel Anda."},
		Sentence{"The day of the sale lies ahead.", "Check it, and the date of your phone."}},
}

// Line is the text of such a line in lang, with every {name} replaced by
// params[name]; empty for a code that there is none of.
func Line(code string, lang Lang, params map[string]any) Sentence {
	e := lineTable[code]
	s := e.id
	if lang == EN {
		s = e.en
	}
	return Sentence{Title: fill(s.Title, params), Detail: fill(s.Detail, params)}
}
