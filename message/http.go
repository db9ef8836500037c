package message

// httpTable holds the answers about the request itself.
var httpTable = map[string]entry{
	"body_unreadable": {
		Sentence{"Permintaan tidak dapat dibaca.", ""},
		Sentence{"The request cannot be read.", ""}},
	"body_too_large": {
		Sentence{"Permintaan terlalu besar.", "Batasnya {limit}. Kirimlah dalam bagian yang lebih kecil."},
		Sentence{"The request is too large.", "The limit is {limit}. Please send smaller parts."}},
	"too_many_mutations": {
		Sentence{"Terlalu banyak perubahan dalam satu kiriman.", "Batasnya {limit}. Aplikasi akan membaginya."},
		Sentence{"There are too many changes in one push.", "The limit is {limit}. The app will split them."}},
	"header_too_large": {
		Sentence{"Kepala permintaan terlalu besar.", ""},
		Sentence{"The header of the request is too large.", ""}},
	"encoding_unsupported": {
		Sentence{"Cara pemampatan ini tidak didukung.", "Gunakan gzip, zstd atau tanpa pemampatan."},
		Sentence{"This content encoding is not supported.", "Use gzip, zstd or none."}},
	"media_type_unsupported": {
		Sentence{"Jenis isi permintaan tidak didukung.", ""},
		Sentence{"The media type of the request is not supported.", ""}},
	"header_invalid": {
		Sentence{"Kepala permintaan {field} tidak benar.", ""},
		Sentence{"The request header {field} is not right.", ""}},
	"query_invalid": {
		Sentence{"Parameter {field} tidak benar.", ""},
		Sentence{"The parameter {field} is not right.", ""}},
	"route_not_found": {
		Sentence{"Alamat ini tidak ada.", ""},
		Sentence{"There is nothing at this address.", ""}},
	"method_not_allowed": {
		Sentence{"Metode ini tidak tersedia di alamat ini.", ""},
		Sentence{"This method is not available at this address.", ""}},
	"rate_limited": {
		Sentence{"Terlalu banyak permintaan.", "Silakan coba lagi dalam {after}."},
		Sentence{"Too many requests.", "Please try again in {after}."}},
	"stale_version": {
		Sentence{"Data ini sudah diubah orang lain.", "Silakan muat ulang lalu ulangi perubahan Anda."},
		Sentence{"Somebody has changed this since.", "Please load it again and repeat your change."}},
	"precondition_required": {
		Sentence{"Perubahan ini memerlukan kepala If-Match.", "Kirimlah versi yang Anda lihat."},
		Sentence{"This change needs an If-Match header.", "Please send the version that you saw."}},
	"conflict": {
		Sentence{"Langkah ini tidak sesuai dengan keadaan sekarang.", ""},
		Sentence{"This does not fit the present state.", ""}},
	"business_merged": {
		Sentence{"Usaha ini sudah digabung.", "Silakan lanjutkan di usaha gabungannya."},
		Sentence{"This enterprise has been merged.", "Please go on in the one that it was merged into."}},
	"last_owner": {
		Sentence{"Usaha harus selalu memiliki pemilik.", "Silakan tambahkan pemilik lain terlebih dahulu."},
		Sentence{"A business must always have an owner.", "Please add another owner first."}},
	"forbidden": {
		Sentence{"Anda tidak berhak melakukan ini.", ""},
		Sentence{"You may not do this.", ""}},
	"idempotency_required": {
		Sentence{"Permintaan ini memerlukan kepala Idempotency-Key.", ""},
		Sentence{"This request needs an Idempotency-Key header.", ""}},
	"idempotency_reused": {
		Sentence{"Idempotency-Key ini sudah dipakai untuk permintaan lain.", ""},
		Sentence{"This Idempotency-Key was used for another request.", ""}},
	"in_progress": {
		Sentence{"Permintaan yang sama sedang dikerjakan.", "Silakan coba lagi sebentar lagi."},
		Sentence{"The same request is being worked on.", "Please try again in a moment."}},
	"validation_failed": {
		Sentence{"Sebagian isian belum benar.", "Silakan periksa isian {field}."},
		Sentence{"Some fields are not right.", "Please check {field}."}},
	"internal": {
		Sentence{"Terjadi gangguan di server.", "Silakan coba lagi. Bila berlanjut, sebutkan nomor permintaan kepada admin."},
		Sentence{"Something went wrong on the server.", "Please try again. If it stays, give the request number to an admin."}},
	"unavailable": {
		Sentence{"Layanan sedang tidak tersedia.", "Silakan coba lagi dalam {after}."},
		Sentence{"The service is not available.", "Please try again in {after}."}},
	"storage_full": {
		Sentence{"Penyimpanan di server penuh.", "Perubahan Anda tetap aman di ponsel. Silakan coba lagi dalam {after}."},
		Sentence{"The server has no room left.", "Your changes are safe on the phone. Please try again in {after}."}},
	"storage_read_only": {
		Sentence{"Penyimpanan di server sedang hanya dapat dibaca.", "Perubahan Anda tetap aman di ponsel. Silakan coba lagi dalam {after}."},
		Sentence{"The server's storage can only be read at the moment.", "Your changes are safe on the phone. Please try again in {after}."}},
	"storage_failed": {
		Sentence{"Penyimpanan di server sedang bermasalah.", "Perubahan Anda tetap aman di ponsel. Silakan coba lagi dalam {after}."},
		Sentence{"The server's storage is failing.", "Your changes are safe on the phone. Please try again in {after}."}},
	"timeout": {
		Sentence{"Server memerlukan waktu terlalu lama.", "Silakan coba lagi."},
		Sentence{"The server took too long.", "Please try again."}},
	"draining": {
		Sentence{"Server sedang dimulai ulang.", "Silakan coba lagi sebentar lagi."},
		Sentence{"The server is restarting.", "Please try again in a moment."}},
	"busy": {
		Sentence{"Banyak perubahan sedang diproses.", "Aplikasi akan mencoba lagi dalam {after}."},
		Sentence{"Many changes are being processed.", "The app will try again in {after}."}},
	"overloaded": {
		Sentence{"Server sedang sangat sibuk.", "Aplikasi akan mencoba lagi dalam {after}."},
		Sentence{"The server is very busy.", "The app will try again in {after}."}},
	"database_too_new": {
		Sentence{"Basis data dibuat oleh versi Lumbung yang lebih baru.", "Silakan pasang versi itu."},
		Sentence{"The database was made by a newer version of Lumbung.", "Please install that version."}},
	"database_missing": {
		Sentence{"Basis data asal tidak ditemukan.", "Silakan periksa alamatnya."},
		Sentence{"The source database was not found.", "Please check its address."}},
	"database_filling": {
		Sentence{"Basis data ini sedang diisi oleh \"lumbung copy\" dan belum lengkap.", "Selesaikan dengan --finish."},
		Sentence{"This database is being filled by \"lumbung copy\" and is not whole yet.", "Complete it with --finish."}},
	"database_retired": {
		Sentence{"Isi basis data ini sudah pindah ke tempat lain.", "Silakan pakai basis data yang baru."},
		Sentence{"What this database held has moved elsewhere.", "Please use the new database."}},
	"database_moved": {
		Sentence{"Basis data sedang dipindahkan. Data di HP tetap aman.", "Aplikasi akan mencoba lagi dalam {after}."},
		Sentence{"The database is being moved. What is on the phone is safe.", "The app will try again in {after}."}},
	"database_damaged": {
		Sentence{"Basis data di server rusak dan sedang dipulihkan. Data di HP tetap aman.", "Aplikasi akan mencoba lagi dalam {after}."},
		Sentence{"The database of the server is damaged and is being restored. What is on the phone is safe.", "The app will try again in {after}."}},
	"database_unwritable": {
		Sentence{"Server tidak dapat menulis ke basis data.", "Periksa ruang disk serta izin berkas dan foldernya."},
		Sentence{"The server cannot write to its database.", "Check the space on the disk, and the rights of the file and its folder."}},
	"restore_unfinished": {
		Sentence{"Pemulihan basis data belum selesai.", "Silakan ulangi \"lumbung restore\"."},
		Sentence{"The database has not been put back to the end.", "Please repeat \"lumbung restore\"."}},
	"backup_in_place": {
		Sentence{"Berkas ini milik basis data itu sendiri.", "Silakan pilih nama lain untuk salinan."},
		Sentence{"This file belongs to the database itself.", "Please choose another name for the copy."}},
	"database_in_use": {
		Sentence{"Basis data sedang dipakai.", "Silakan hentikan server dahulu."},
		Sentence{"The database is in use.", "Please stop the server first."}},
	"copy_damaged": {
		Sentence{"Salinan ini sendiri rusak.", "Silakan pakai salinan yang lebih lama."},
		Sentence{"This copy is damaged itself.", "Please take an older one."}},
	"copy_target_in_use": {
		Sentence{"Basis data tujuan sudah berisi data.", "Silakan pilih tujuan yang kosong."},
		Sentence{"The target database already holds data.", "Please choose an empty one."}},
	"copy_not_begun": {
		Sentence{"Basis data tujuan tidak sedang diisi.", "Mulai dengan \"lumbung copy\" tanpa --finish."},
		Sentence{"The target database is not being filled.", "Begin with \"lumbung copy\" without --finish."}},
	"copy_source_retired": {
		Sentence{"Isi basis data asal sudah pindah ke tujuan lain.", "Silakan pakai tujuan itu sebagai asal."},
		Sentence{"What the source database held has moved to another target.", "Please use that one as the source."}},
	"copy_overtaken": {
		Sentence{"Pemindahan ini sedang diselesaikan atau dibatalkan oleh perintah lain.", "Periksa keadaannya, lalu ulangi."},
		Sentence{"Another command is finishing or cancelling this move.", "Look at what it did, then repeat."}},
	"copy_unfinished": {
		Sentence{"Basis data asal masih berubah.", "Hentikan semua server, lalu ulangi."},
		Sentence{"The source database still changes.", "Stop every server, then repeat."}},
	"database_address_invalid": {
		Sentence{"Alamat basis data tidak dapat dibaca.", "Silakan periksa LUMBUNG_STORE."},
		Sentence{"The address of the database cannot be read.", "Please check LUMBUNG_STORE."}},
	"backup_unsupported": {
		Sentence{"Penyimpanan ini disalin dengan alatnya sendiri.", ""},
		Sentence{"This store is copied by its own tools.", ""}},
	"audit_failed": {
		Sentence{"Isi basis data tidak sesuai dengan catatannya sendiri.", "Silakan simpan salinannya dan hubungi pengembang."},
		Sentence{"The database does not fit its own log.", "Please keep a copy of it and tell the developers."}},
	"backup_failed": {
		Sentence{"Cadangan tidak dapat dibuat atau dibaca.", "Silakan lihat catatan server."},
		Sentence{"The backup could not be made or read.", "Please look at the log of the server."}},
}
