package message

// clientTable holds what a phone says by itself, without having heard a server.
var clientTable = map[string]entry{
	"answer_unreadable": {
		Sentence{"Jawaban server tidak dapat dibaca.", "Perubahan Anda tersimpan di ponsel dan akan dikirim nanti."},
		Sentence{"The answer of the server could not be read.", "Your changes are kept on the phone and will be sent later."}},
	"phone_not_open": {
		Sentence{"Data di ponsel ini belum dibuka.", "Silakan tutup aplikasi lalu buka kembali."},
		Sentence{"The data on this phone is not open.", "Please close the app and open it again."}},
	"login_required": {
		Sentence{"Anda belum masuk di ponsel ini.", "Silakan masuk terlebih dahulu."},
		Sentence{"Nobody is logged in on this phone.", "Please log in first."}},
	"network": {
		Sentence{"Tidak ada sambungan ke server.", "Perubahan Anda tersimpan di ponsel dan akan dikirim nanti."},
		Sentence{"There is no connection to the server.", "Your changes are kept on the phone and will be sent later."}},
	"sync_unfinished": {
		Sentence{"Sinkronisasi belum selesai.", "Aplikasi akan melanjutkannya nanti. Perubahan Anda tetap aman."},
		Sentence{"The sync did not come to an end.", "The app will go on later. Your changes are safe."}},
}
