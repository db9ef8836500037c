package message

// authTable holds the answers about sessions, login codes and accounts. None of
// them tells whether a number is registered.
var authTable = map[string]entry{
	"token_missing": {
		Sentence{"Anda belum masuk.", "Silakan masuk terlebih dahulu."},
		Sentence{"You are not logged in.", "Please log in first."}},
	"token_invalid": {
		Sentence{"Bukti masuk Anda tidak berlaku.", "Silakan masuk lagi. Perubahan yang belum terkirim tetap aman."},
		Sentence{"Your proof of login is not valid.", "Please log in again. Changes not sent yet are safe."}},
	"token_expired": {
		Sentence{"Bukti masuk Anda perlu diperbarui.", "Aplikasi melakukannya sendiri."},
		Sentence{"Your proof of login must be renewed.", "The app does so by itself."}},
	"session_expired": {
		Sentence{"Sesi Anda telah berakhir.", "Silakan masuk lagi. Perubahan yang belum terkirim tetap aman."},
		Sentence{"Your session has ended.", "Please log in again. Changes not sent yet are safe."}},
	"session_revoked": {
		Sentence{"Sesi Anda telah diakhiri.", "Silakan masuk lagi dengan akun yang sama agar perubahan yang belum terkirim dapat dikirim."},
		Sentence{"Your session has been ended.", "Please log in again as the same account to send the changes not sent yet."}},
	"refresh_reused": {
		Sentence{"Sesi Anda dihentikan demi keamanan.", "Bukti masuk lama dipakai kembali. Silakan masuk lagi; perubahan yang belum terkirim tetap aman."},
		Sentence{"Your session was stopped for your safety.", "An old proof of login was used again. Please log in again; changes not sent yet are safe."}},
	"refresh_invalid": {
		Sentence{"Sesi Anda tidak dikenal.", "Silakan masuk lagi. Perubahan yang belum terkirim tetap aman."},
		Sentence{"Your session is not known.", "Please log in again. Changes not sent yet are safe."}},
	"account_suspended": {
		Sentence{"Akun Anda sedang dibekukan.", "Silakan hubungi admin program. Perubahan yang belum terkirim tetap di ponsel."},
		Sentence{"Your account is suspended.", "Please contact the programme's admin. Changes not sent yet stay on the phone."}},
	"clock_skew": {
		Sentence{"Jam ponsel Anda tidak tepat.", "Silakan aktifkan tanggal dan waktu otomatis, lalu coba lagi."},
		Sentence{"The clock of your phone is wrong.", "Please turn on automatic date and time and try again."}},
	"step_up_required": {
		Sentence{"Langkah ini memerlukan verifikasi ulang.", "Silakan masukkan kode dari aplikasi autentikator, atau masuk lagi."},
		Sentence{"This step needs a fresh proof.", "Please enter a code of your authenticator app, or log in again."}},
	"second_factor_required": {
		Sentence{"Hak admin memerlukan kata sandi dan faktor kedua.", "Silakan masuk dengan kata sandi dan kode dari aplikasi autentikator."},
		Sentence{"The rights of an admin need a password and a second factor.", "Please log in with your password and a code of your authenticator app."}},
	"second_fact_required": {
		Sentence{"Kami perlu satu bukti lagi bahwa akun ini milik Anda.", "Silakan minta pendamping Anda untuk mengesahkan."},
		Sentence{"We need one more proof that this account is yours.", "Please ask your mentor to confirm it."}},

	"code_wrong": {
		Sentence{"Kode yang Anda masukkan salah.", "Silakan periksa kembali."},
		Sentence{"The code is wrong.", "Please check it."}},
	"code_expired": {
		Sentence{"Kode sudah tidak berlaku.", "Silakan minta kode baru."},
		Sentence{"The code is no longer valid.", "Please ask for a new one."}},
	"code_used": {
		Sentence{"Kode sudah pernah dipakai.", "Silakan minta kode baru."},
		Sentence{"The code has been used.", "Please ask for a new one."}},
	"too_many_codes": {
		Sentence{"Terlalu banyak permintaan kode.", "Silakan coba lagi dalam {after}."},
		Sentence{"Too many codes were asked for.", "Please try again in {after}."}},
	"too_many_attempts": {
		Sentence{"Terlalu banyak percobaan.", "Silakan coba lagi dalam {after}."},
		Sentence{"Too many attempts.", "Please try again in {after}."}},
	"login_paused": {
		Sentence{"Masuk dengan kode sedang dihentikan sementara.", "Silakan coba lagi dalam {after}. Sesi yang ada tetap berlaku."},
		Sentence{"Login by code is paused.", "Please try again in {after}. Existing sessions stay valid."}},
	"challenge_unknown": {
		Sentence{"Permintaan kode tidak dikenal.", "Silakan minta kode baru."},
		Sentence{"This request for a code is not known.", "Please ask for a new code."}},
	"password_wrong": {
		Sentence{"Nomor, kata sandi atau kode salah.", "Silakan periksa ketiganya."},
		Sentence{"The number, the password or the code is wrong.", "Please check all three."}},
	"factor_used": {
		Sentence{"Kode ini sudah dipakai.", "Silakan tunggu kode berikutnya di aplikasi autentikator."},
		Sentence{"This code has been used.", "Please wait for the next one of your authenticator app."}},
	"setup_token_invalid": {
		Sentence{"Token pengaturan ini tidak berlaku.", "Silakan minta token baru kepada pengelola server."},
		Sentence{"This set-up token is not valid.", "Please ask the operator of the server for a new one."}},
	"password_weak": {
		Sentence{"Kata sandi terlalu lemah.", "Gunakan paling sedikit {min} karakter yang tidak mudah ditebak, misalnya empat kata."},
		Sentence{"The password is too weak.", "Please use at least {min} characters that are hard to guess, such as four words."}},
	"push_provider_unknown": {
		Sentence{"Layanan notifikasi ini tidak tersedia.", "Aplikasi tetap berjalan; kabar dapat dibaca di kotak masuk."},
		Sentence{"This notification service is not available.", "The app works on; news can be read in the inbox."}},
	"push_not_dead": {
		Sentence{"Notifikasi ini tidak perlu dikirim ulang.", "Hanya yang gagal yang dapat dikirim ulang."},
		Sentence{"This push need not be sent again.", "Only one that failed can be sent again."}},
	"last_admin": {
		Sentence{"Admin terakhir harus tetap ada.", "Silakan tunjuk admin lain terlebih dahulu."},
		Sentence{"The last admin must stay.", "Please make somebody else an admin first."}},
	"approval_own": {
		Sentence{"Usulan Anda sendiri harus disetujui orang lain.", "Silakan minta admin lain."},
		Sentence{"Somebody else has to approve what you proposed.", "Please ask another admin."}},
	"approval_closed": {
		Sentence{"Usulan ini sudah diputuskan, kedaluwarsa atau tidak berlaku lagi.", "Silakan usulkan lagi bila masih perlu."},
		Sentence{"This proposal has been decided, has expired or holds no more.", "Please propose it again if it is still wanted."}},
	"audit_unavailable": {
		Sentence{"Jejak audit sedang tidak dapat ditulis.", "Tidak ada yang diubah. Silakan coba lagi dalam {after}."},
		Sentence{"The audit trail cannot be written now.", "Nothing was changed. Please try again in {after}."}},
	"device_invalid": {
		Sentence{"Data perangkat tidak benar.", ""},
		Sentence{"The device is not described correctly.", ""}},
	"consent_required": {
		Sentence{"Persetujuan Anda diperlukan.", "Silakan baca dan setujui penjelasan tentang data pribadi."},
		Sentence{"Your consent is needed.", "Please read and accept the notice on personal data."}},
}
