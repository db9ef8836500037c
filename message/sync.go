package message

// syncTable holds the verdicts of the engine, the reasons of a rejected edit
// and the answers that are no verdict.
var syncTable = map[string]entry{
	"applied": {
		Sentence{"Perubahan Anda tersimpan.", ""},
		Sentence{"Your change is saved.", ""}},
	"merged": {
		Sentence{"Perubahan Anda digabungkan.", "Sebagian isian sudah diubah orang lain. Nilai Anda tetap tercatat di riwayat."},
		Sentence{"Your change was merged.", "Some fields had been changed by somebody else. Your values are kept in the history."}},
	"superseded": {
		Sentence{"Perubahan Anda kalah oleh perubahan lain.", "Nilai Anda tetap tercatat di riwayat dan dapat dikembalikan."},
		Sentence{"Your change gave way to another one.", "Your values are kept in the history and can be restored."}},
	"rejected": {
		Sentence{"Perubahan Anda tidak dapat diterima.", "Isiannya tetap tersimpan dan dapat Anda baca kembali."},
		Sentence{"Your change cannot be accepted.", "What you wrote is kept and you can read it again."}},
	"repeated": {
		Sentence{"Perubahan ini sudah diterima sebelumnya.", ""},
		Sentence{"This change was received before.", ""}},

	"again": {
		Sentence{"Perubahan ini belum diproses.", "Aplikasi akan mengirimkannya lagi."},
		Sentence{"This change has not been processed yet.", "The app will send it again."}},
	"rekey": {
		Sentence{"Perubahan ini perlu dikirim dengan nomor baru.", "Aplikasi melakukannya sendiri. Tidak ada data yang hilang."},
		Sentence{"This change must be sent under a new number.", "The app does so by itself. Nothing is lost."}},
	"owner_mismatch": {
		Sentence{"Perubahan ini dibuat oleh akun lain.", "Silakan masuk dengan akun yang membuatnya. Perubahan tetap disimpan di ponsel."},
		Sentence{"This change was made by another account.", "Please log in as the account that made it. The change stays on the phone."}},
	"upgrade_required": {
		Sentence{"Aplikasi Anda perlu diperbarui.", "Silakan pasang versi {min} atau yang lebih baru. Perubahan yang belum terkirim tetap aman."},
		Sentence{"Your app must be updated.", "Please install version {min} or newer. Changes not sent yet are safe."}},

	"live_full": {
		Sentence{"Terlalu banyak ponsel sedang terhubung langsung.", "Aplikasi tetap menyinkronkan data dan mencoba lagi dalam {after}."},
		Sentence{"Too many phones are connected live.", "The app goes on syncing and tries again in {after}."}},
	"live_too_many": {
		Sentence{"Akun Anda terhubung langsung dari terlalu banyak perangkat.", "Aplikasi tetap menyinkronkan data."},
		Sentence{"Your account is connected live from too many devices.", "The app goes on syncing."}},
	"live_too_many_scopes": {
		Sentence{"Akun Anda melihat terlalu banyak data untuk sambungan langsung.", "Aplikasi tetap menyinkronkan data secara berkala."},
		Sentence{"Your account sees too much for a live connection.", "The app goes on syncing now and then."}},
	"live_replaced": {
		Sentence{"Perangkat ini membuka sambungan langsung yang baru.", "Sambungan yang lama ditutup."},
		Sentence{"This device opened a new live connection.", "The older one was closed."}},

	"unidentifiable": {
		Sentence{"Perubahan ini sudah terlalu lama untuk dikenali.", "Isiannya kami simpan. Silakan periksa lalu catat kembali bila masih diperlukan."},
		Sentence{"This change is too old to be recognised.", "What it holds is kept. Please check it and enter it again if it is still needed."}},
	"immutable_field": {
		Sentence{"Isian {field} tidak dapat diubah setelah tersimpan.", "Silakan buat catatan koreksi."},
		Sentence{"The field {field} cannot be changed once it is saved.", "Please make a correction instead."}},
	"group_incomplete": {
		Sentence{"Isian {field} harus dikirim lengkap.", "Beberapa isian hanya berarti bila diubah bersama."},
		Sentence{"The field {field} must be sent in full.", "Some fields only make sense when they change together."}},
	"record_gone": {
		Sentence{"Catatan ini sudah dihapus.", "Perubahan Anda tetap dapat dibaca."},
		Sentence{"This record has been deleted.", "You can still read your change."}},
	"id_reuse": {
		Sentence{"Nomor catatan ini sudah dipakai untuk isi yang berbeda.", ""},
		Sentence{"The id of this record is already used for other content.", ""}},
	"depends_on_lost": {
		Sentence{"Catatan yang Anda ubah tidak lagi ada di server.", "Silakan buat kembali catatan itu dari ponsel Anda."},
		Sentence{"The record you changed is no longer on the server.", "Please create it again from your phone."}},
	"depends_on_rejected": {
		Sentence{"Catatan yang Anda ubah tidak diterima.", "Perbaiki dahulu catatan itu, lalu ulangi perubahan ini."},
		Sentence{"The record you changed was not accepted.", "Please correct that record first and then repeat this change."}},
	"not_assigned": {
		Sentence{"Anda tidak lagi bertugas untuk usaha ini.", "Isian Anda diteruskan kepada admin untuk ditinjau."},
		Sentence{"You are no longer assigned to this business.", "What you wrote goes to an admin for review."}},
	"not_found": {
		Sentence{"Data tidak ditemukan.", "Data mungkin sudah dihapus atau bukan milik Anda."},
		Sentence{"Not found.", "It may have been deleted, or it is not yours."}},
	"invalid_reference": {
		Sentence{"Isian {field} menunjuk ke data yang tidak ada.", ""},
		Sentence{"The field {field} points to something that does not exist.", ""}},
	"unknown_field": {
		Sentence{"Isian {field} tidak dikenal.", "Mungkin aplikasi Anda perlu diperbarui."},
		Sentence{"The field {field} is not known.", "Your app may need an update."}},
	"unknown_collection": {
		Sentence{"Jenis catatan ini tidak dikenal.", "Mungkin aplikasi Anda perlu diperbarui."},
		Sentence{"This kind of record is not known.", "Your app may need an update."}},
	"locked": {
		Sentence{"Data ini sudah dikunci.", "Perubahan Anda disimpan sebagai usulan."},
		Sentence{"This is locked.", "Your change is kept as a proposal."}},
	"forbidden_transition": {
		Sentence{"Langkah ini tidak dapat dilakukan dari status sekarang.", ""},
		Sentence{"This step is not possible from the present state.", ""}},
	"enrolment_paused": {
		Sentence{"Kepesertaan usaha ini dalam program sedang dijeda, jadi tugasnya berhenti dahulu.", "Isian Anda tersimpan. Silakan kirim lagi setelah kepesertaan dilanjutkan."},
		Sentence{"The part of this business in the programme is paused, and its tasks rest.", "What you typed is kept. Please send it again once the programme goes on."}},
	"too_many_unseen": {
		id: Sentence{"Data ini sudah terlalu sering diubah tanpa dilihat di ponsel ini.", "Sinkronkan dahulu, lalu ubah sekali lagi. Isian Anda tersimpan."},
		en: Sentence{"This record was changed too often by others without this phone showing it.", "Sync first, then change it once more. What you typed is kept."},
	},
	"too_many_items": {
		id: Sentence{"Terlalu banyak isi.", "Hapus sebagian sebelum menambah lagi."},
		en: Sentence{"Too many entries.", "Remove some before you add more."},
	},
	"invalid_value": {
		Sentence{"Isian {field} tidak benar.", "Silakan periksa kembali."},
		Sentence{"The field {field} is not right.", "Please check it."}},
	"too_large": {
		Sentence{"Isian terlalu besar.", "Batasnya {limit}."},
		Sentence{"This is too large.", "The limit is {limit}."}},
	"not_deletable": {
		Sentence{"Catatan ini tidak dapat dihapus.", "Silakan batalkan dengan catatan koreksi."},
		Sentence{"This record cannot be deleted.", "Please void it by a correction."}},
	"window_closed": {
		Sentence{"Masa pendaftaran sudah ditutup.", "Rancangan di ponsel tetap tersimpan."},
		Sentence{"The registration period has ended.", "A draft on a phone is kept."}},
	"cursor_invalid": {
		Sentence{"Penanda sinkronisasi tidak dapat dibaca.", "Aplikasi akan mengambil data dari awal."},
		Sentence{"The sync cursor cannot be read.", "The app will fetch everything again."}},
	"record_unknown": {
		Sentence{"Catatan yang Anda ubah tidak dikenal.", "Mungkin catatan itu belum pernah terkirim."},
		Sentence{"The record you changed is not known.", "Perhaps it was never sent."}},
	"required": {
		Sentence{"Isian {field} wajib diisi.", ""},
		Sentence{"The field {field} is required.", ""}},
	"unreadable": {
		Sentence{"Perubahan ini tidak dapat dibaca.", "Isian {field} rusak atau tidak ada. Mungkin aplikasi Anda perlu diperbarui."},
		Sentence{"This change cannot be read.", "The field {field} is broken or missing. Your app may need an update."}},
	"schema_too_new": {
		Sentence{"Perubahan ini dibuat oleh aplikasi yang lebih baru daripada server.", "Aplikasi akan mengirimkannya lagi."},
		Sentence{"This change was made by an app newer than the server.", "The app will send it again."}},
	"generation_changed": {
		Sentence{"Server telah dipulihkan dari cadangan.", "Aplikasi akan mengirimkan lagi perubahan Anda. Tidak ada yang hilang dari ponsel."},
		Sentence{"The server was restored from a backup.", "The app will send your changes again. Nothing is lost from the phone."}},
}
