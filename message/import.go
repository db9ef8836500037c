package message

// importTable holds what is wrong with a file that is imported, with its header and
// with its rows. Whoever reads it has the file in front of them.
var importTable = map[string]entry{
	"table_empty": {
		Sentence{"Berkas tidak berisi data.", "Baris pertama harus berisi judul kolom."},
		Sentence{"The file holds no data.", "Its first row must name the columns."}},
	"table_too_large": {
		Sentence{"Berkas terlalu besar.", "Batasnya {limit} bita."},
		Sentence{"The file is too large.", "The limit is {limit} bytes."}},
	"table_inflates": {
		Sentence{"Isi berkas Excel terlalu besar.", "Batasnya {limit} bita setelah dibuka. Simpan data saja ke berkas baru."},
		Sentence{"What is inside the Excel file is too large.", "The limit is {limit} bytes when opened. Save the data alone to a new file."}},
	"table_rows": {
		Sentence{"Baris terlalu banyak.", "Batasnya {limit} baris. Bagi berkas menjadi beberapa bagian."},
		Sentence{"There are too many rows.", "The limit is {limit} rows. Please split the file."}},
	"table_columns": {
		Sentence{"Kolom terlalu banyak di baris {line}.", "Batasnya {limit} kolom."},
		Sentence{"There are too many columns in row {line}.", "The limit is {limit} columns."}},
	"table_cells": {
		Sentence{"Sel terlalu banyak.", "Batasnya {limit} sel. Bagi berkas menjadi beberapa bagian."},
		Sentence{"There are too many cells.", "The limit is {limit} cells. Please split the file."}},
	"table_encoding": {
		Sentence{"Huruf di baris {line} tidak dapat dibaca.", "Simpan sebagai CSV UTF-8 atau sebagai Excel (.xlsx)."},
		Sentence{"The letters in row {line} cannot be read.", "Save as CSV UTF-8, or as Excel (.xlsx)."}},
	"table_quote": {
		Sentence{"Tanda kutip di baris {line} tidak berpasangan.", "Simpan kembali berkas dari lembar kerja."},
		Sentence{"The quotation marks in row {line} do not match.", "Save the file once more from the spreadsheet."}},
	"table_format": {
		Sentence{"Jenis berkas ini tidak dapat dibaca.", "Gunakan CSV UTF-8 atau Excel (.xlsx)."},
		Sentence{"This kind of file cannot be read.", "Please use CSV UTF-8 or Excel (.xlsx)."}},
	"table_old_excel": {
		Sentence{"Berkas Excel ini berformat lama atau memakai kata sandi.", "Simpan sebagai Excel (.xlsx) tanpa kata sandi."},
		Sentence{"This Excel file has the old format or a password.", "Save it as Excel (.xlsx) without a password."}},
	"table_broken": {
		Sentence{"Berkas Excel rusak.", "Buka di lembar kerja lalu simpan kembali."},
		Sentence{"The Excel file is damaged.", "Open it in a spreadsheet and save it again."}},
	"sheet_unknown": {
		Sentence{"Lembar {field} tidak ada di dalam berkas.", ""},
		Sentence{"There is no sheet {field} in the file.", ""}},
	"sheet_missing": {
		Sentence{"Berkas tidak memiliki lembar yang terlihat.", ""},
		Sentence{"The file has no visible sheet.", ""}},
	"column_missing": {
		Sentence{"Kolom {field} tidak ada.", "Tambahkan kolom itu di baris judul."},
		Sentence{"The column {field} is missing.", "Add it to the row of headings."}},
	"column_twice": {
		Sentence{"Kolom {field} berisi hal yang sama dengan kolom lain.", "Hapus salah satunya."},
		Sentence{"The column {field} says the same as another one.", "Remove one of them."}},
	"cells_beyond_header": {
		Sentence{"Baris ini memiliki lebih dari {limit} isian yang dijuduli.", "Mungkin ada tanda pemisah di dalam isian."},
		Sentence{"This row has more than the {limit} cells that have a heading.", "Perhaps there is a separator inside a cell."}},
	"cell_too_long": {
		Sentence{"Isian {field} terlalu panjang.", "Batasnya {limit} bita."},
		Sentence{"The cell {field} is too long.", "The limit is {limit} bytes."}},
	"cell_error": {
		Sentence{"Sel {field} berisi galat rumus, seperti #N/A.", "Perbaiki rumusnya atau tulis nilainya."},
		Sentence{"The cell {field} holds an error of a formula, such as #N/A.", "Mend the formula or write the value."}},
	"cell_formula": {
		Sentence{"Sel {field} berisi rumus tanpa hasil.", "Buka dan simpan berkas di lembar kerja, atau tulis nilainya."},
		Sentence{"The cell {field} holds a formula without a result.", "Open and save the file in a spreadsheet, or write the value."}},
	"cell_digits_lost": {
		Sentence{"Angka di {field} dibulatkan oleh lembar kerja.", "Ubah format kolom menjadi teks lalu isi kembali."},
		Sentence{"A spreadsheet has rounded the number in {field}.", "Set the column to text and enter it again."}},
	"cell_date": {
		Sentence{"Sel {field} berformat tanggal tetapi isinya bukan tanggal.", ""},
		Sentence{"The cell {field} has the format of a date and holds none.", ""}},
	"date_serial": {
		Sentence{"Isian {field} adalah angka, bukan tanggal.", "Ubah format kolom menjadi tanggal."},
		Sentence{"{field} is a number, not a date.", "Set the column to the format of a date."}},
	"moment_invalid": {
		Sentence{"Tanggal atau jam di {field} tidak benar.", "Contoh penulisan: 27/02/2022 08.15 atau 2022-02-27 08:15."},
		Sentence{"The date or time in {field} is not right.", "Write it like 27/02/2022 08.15 or 2022-02-27 08:15."}},
	"text_unreadable": {
		Sentence{"Isian {field} memuat huruf yang rusak atau tidak terlihat.", "Ketik ulang isian itu."},
		Sentence{"{field} holds broken or invisible characters.", "Please type it again."}},
	"text_marks": {
		Sentence{"Isian {field} memuat huruf dengan terlalu banyak tanda.", "Ketik ulang isian itu."},
		Sentence{"{field} holds letters with too many marks.", "Please type it again."}},
	"text_too_short": {
		Sentence{"Isian {field} terlalu pendek.", "Paling sedikit {min} huruf."},
		Sentence{"{field} is too short.", "At least {min} characters."}},
	"text_too_long": {
		Sentence{"Isian {field} terlalu panjang.", "Paling banyak {max} huruf."},
		Sentence{"{field} is too long.", "At most {max} characters."}},
	"window_not_open": {
		Sentence{"Masa pendaftaran belum dibuka pada waktu itu.", ""},
		Sentence{"The registration period had not begun at that time.", ""}},
	"nib_zero_lost": {
		Sentence{"NIB kurang dari 13 angka.", "Mungkin angka nol di depan hilang di lembar kerja. Ubah format kolom menjadi teks lalu isi kembali."},
		Sentence{"The NIB has fewer than 13 digits.", "Perhaps a spreadsheet took the zero in front. Set the column to text and enter it again."}},
	"region_zero_lost": {
		Sentence{"Kode wilayah kurang satu angka.", "18.1 dapat berarti 18.01 atau 18.10. Ubah format kolom menjadi teks lalu isi kembali."},
		Sentence{"The region code lacks a digit.", "18.1 may be 18.01 or 18.10. Set the column to text and enter it again."}},
	"category_unknown": {
		Sentence{"Kategori usaha tidak dikenal.", "Contoh penulisan: Makanan dan minuman, Busana, Kerajinan."},
		Sentence{"The category is not known.", "Write it like Food and beverages, Fashion, Crafts."}},
	"too_many_categories": {
		Sentence{"Kategori usaha lebih dari tiga.", ""},
		Sentence{"There are more than three categories.", ""}},
	"size_unknown": {
		Sentence{"Skala usaha tidak dikenal.", "Tulis mikro, kecil atau menengah."},
		Sentence{"The size of the business is not known.", "Write micro, small or medium."}},
	"email_invalid": {
		Sentence{"Alamat surel tidak benar.", ""},
		Sentence{"The e-mail address is not right.", ""}},
	"answer_invalid": {
		Sentence{"Jawaban {field} harus angka {min} sampai {max}.", ""},
		Sentence{"The answer {field} must be a number from {min} to {max}.", ""}},
	"yes_or_no": {
		Sentence{"Isian {field} harus ya atau tidak.", ""},
		Sentence{"{field} must be yes or no.", ""}},
	"number_invalid": {
		Sentence{"Isian {field} harus berupa angka.", ""},
		Sentence{"{field} must be a number.", ""}},
	"region_not_covered": {
		Sentence{"Program ini tidak mencakup kabupaten/kota tersebut.", "Periksa kolom wilayah, atau daftarkan pada program provinsinya."},
		Sentence{"This programme does not cover that regency or city.", "Check the region, or register with the programme of its province."}},
	"number_ambiguous": {
		Sentence{"Angka pada {field} dapat dibaca dengan dua cara.", "Tulis 1250 atau 1,25, bukan 1.250."},
		Sentence{"The number in {field} can be read in two ways.", "Write 1250 or 1.25, not 1.250."}},
	"choice_unknown": {
		Sentence{"Isian {field} bukan salah satu pilihan.", "Pilihannya antara lain: {known}."},
		Sentence{"{field} is none of the choices.", "Among them are: {known}."}},
	"question_missing": {
		Sentence{"Daftar tidak memuat kolom {field}, padahal pertanyaan program ini wajib dijawab.", "Baris tetap diterima tanpa jawaban itu."},
		Sentence{"The list has no column {field}, which is a required question of the programme.", "Its rows are taken without that answer."}},
	"duplicate_of_line": {
		Sentence{"Pendaftar ini sudah ada di baris {line}.", "Baris yang lebih dahulu yang dipakai."},
		Sentence{"This registrant stands in row {line} already.", "The earlier row is used."}},
	"draft_submitted": {
		Sentence{"Usaha ini sudah mulai mendaftar lewat aplikasi.", "Drafnya dikirim bersama impor: isian baris ini berlaku, selebihnya isian pemilik."},
		Sentence{"This business has begun to apply in the app.", "The import submits its draft: with what the row says, and else with what its owner typed."}},
	"already_registered": {
		Sentence{"Usaha ini sudah terdaftar.", "Dengan nomor pendaftaran yang lain. Pemilik yang sudah mengundurkan diri mendaftar lagi lewat aplikasi."},
		Sentence{"This business is registered already.", "Under another registration number. An owner who withdrew applies anew in the app."}},
	"registered_differs": {
		Sentence{"Nomor pendaftaran ini sudah diimpor dengan isian yang berbeda.", "Data yang sudah terdaftar tidak ditimpa. Ubah di dalam program."},
		Sentence{"This registration number was imported with other content.", "What is registered is not overwritten. Change it in the programme."}},
}
