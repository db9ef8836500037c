package message

import (
	"maps"
	"slices"
	"strings"
)

// deskTable holds what the command line of admins says by itself, without having heard a
// server, or where nobody but a person at a keyboard can go on.
var deskTable = map[string]entry{
	"not_logged_in": {
		Sentence{"Anda belum masuk.", "Jalankan \"lumbung admin login\" terlebih dahulu."},
		Sentence{"You are not logged in.", "Please run \"lumbung admin login\" first."}},
	"session_changed": {
		Sentence{"Orang lain telah masuk dengan berkas sesi yang sama.", "Pakai --session untuk berkas milik Anda sendiri."},
		Sentence{"Somebody else has logged in with the same session file.", "Use --session for a file of your own."}},
	"session_unreadable": {
		Sentence{"Berkas sesi {field} tidak dapat dibaca.", "Hapus berkas itu lalu masuk kembali."},
		Sentence{"The session file {field} cannot be read.", "Delete it and log in again."}},
	"session_exposed": {
		Sentence{"Berkas sesi {field} dapat dibuka orang lain.", "Hapus berkas itu lalu masuk kembali."},
		Sentence{"The session file {field} is open to others.", "Delete it and log in again."}},
	"session_unwritable": {
		Sentence{"Berkas {field} tidak dapat ditulis.", "Periksa izin foldernya, atau pilih berkas lain dengan --session."},
		Sentence{"The file {field} cannot be written.", "Check the rights of its folder, or choose another file with --session."}},
	"session_busy": {
		Sentence{"Perintah lain sedang memakai sesi ini.", "Silakan coba lagi sebentar lagi."},
		Sentence{"Another command is at work with this session.", "Please try again in a moment."}},
	"server_unreachable": {
		Sentence{"Tidak ada jawaban dari server.", "Jalankan perintah yang sama sekali lagi. Yang sudah dikerjakan tidak dikerjakan dua kali."},
		Sentence{"There is no answer from the server.", "Run the same command once more. What is done is not done twice."}},
	"answer_foreign": {
		Sentence{"Yang menjawab bukan server Lumbung.", "Periksa alamat server dan jaringan Anda, lalu jalankan perintah yang sama sekali lagi."},
		Sentence{"What answers is no Lumbung server.", "Check the address and your network, then run the same command once more."}},
	"input_ended": {
		Sentence{"Masukan berakhir sebelum semua pertanyaan terjawab.", ""},
		Sentence{"The input ended before every question was answered.", ""}},
	"not_confirmed": {
		Sentence{"Tidak ada yang dikerjakan.", "Jawab \"ya\" untuk melanjutkan, atau pakai --yes."},
		Sentence{"Nothing was done.", "Answer \"yes\" to go on, or use --yes."}},
	"file_unreadable": {
		Sentence{"Berkas {field} tidak dapat dibaca.", ""},
		Sentence{"The file {field} cannot be read.", ""}},
	"file_no_object": {
		Sentence{"Berkas {field} tidak berisi objek JSON yang benar.", "Periksa tanda kutip dan komanya."},
		Sentence{"The file {field} holds no sound JSON object.", "Check its quotation marks and commas."}},
	"job_failed": {
		Sentence{"Sebagian pekerjaan gagal.", "Lihat langkah yang gagal di atas."},
		Sentence{"A part of the job has failed.", "See above which steps did."}},
	"rows_refused": {
		Sentence{"Sebagian baris ditolak.", "Perbaiki baris di atas di dalam berkas, lalu impor berkas itu sekali lagi. Yang sudah masuk tidak masuk dua kali."},
		Sentence{"Some rows are refused.", "Mend the rows above in the file and import it once more. What is in does not come in twice."}},
	"command_stopped": {
		Sentence{"Perintah dihentikan.", "Jalankan perintah yang sama untuk melanjutkan. Yang sudah dikerjakan tidak dikerjakan dua kali."},
		Sentence{"The command was stopped.", "Run the same command to go on. What is done is not done twice."}},
	"watch_stopped": {
		Sentence{"Anda berhenti melihat. Pekerjaan tetap berjalan di server.", "Lihat lagi dengan: lumbung admin job {field}."},
		Sentence{"You have stopped watching. The job goes on at the server.", "Watch it again with: lumbung admin job {field}."}},
}

// words are two spellings of one phrase.
type words struct{ id, en string }

// phrases is what the command line of admins asks and tells.
var phrases = map[string]words{
	"ask_password":     {"Kata sandi: ", "Password: "},
	"ask_code":         {"Kode dari aplikasi autentikator: ", "Code of the authenticator app: "},
	"ask_fresh":        {"Langkah ini memerlukan kode baru dari aplikasi autentikator: ", "This step needs a new code of the authenticator app: "},
	"ask_import":       {"Impor {n} pendaftar ke {programme}? (ya/tidak) ", "Import {n} registrants into {programme}? (yes/no) "},
	"ask_withdraw":     {"Tarik publikasi ini? (ya/tidak) ", "Withdraw this publication? (yes/no) "},
	"ask_approve":      {"Setujui publikasi ini? (ya/tidak) ", "Approve this publication? (yes/no) "},
	"ask_announcement": {"Lanjutkan \"{op}\" untuk pengumuman ini? (ya/tidak) ", "Go on with \"{op}\" for this announcement? (yes/no) "},

	"logged_in":  {"{who} masuk di {server}. Sesi disimpan di {file}.", "{who} is logged in at {server}. The session is kept in {file}."},
	"logged_out": {"Anda sudah keluar dari {server}.", "You are logged out of {server}."},
	"request":    {"Nomor permintaan: {id}", "Request number: {id}"},

	"rows_head":      {"BARIS\tKOLOM\tKODE\tKETERANGAN", "LINE\tCOLUMN\tCODE\tMESSAGE"},
	"rows_drafts":    {"{n} draf dari aplikasi ikut dikirim", "{n} drafts from the app are submitted with it"},
	"rows_more":      {"dan {n} kesalahan lagi", "and {n} more mistakes"},
	"columns_unread": {"Kolom yang tidak dibaca: {names}", "Columns that are not read: {names}"},
	"import_sums":    {"{read} baris dibaca: {accepted} baru, {unchanged} sudah terdaftar, {refused} ditolak.", "{read} rows read: {accepted} new, {unchanged} registered already, {refused} refused."},
	"import_nothing": {"Tidak ada yang baru untuk diimpor.", "There is nothing new to import."},
	"import_resumed": {"Melanjutkan impor berkas ini yang dimulai {began}.", "Going on with the import of this file that began at {began}."},
	"import_done":    {"{n} pendaftar masuk.", "{n} registrants are in."},

	"job_begun":    {"Pekerjaan {id}", "Job {id}"},
	"job_progress": {"{done} dari {total} langkah, {rows} baris", "{done} of {total} steps, {rows} rows"},
	"job_ended":    {"Selesai: {done} langkah, {failed} gagal.", "Done: {done} steps, {failed} failed."},
	"job_step":     {"Langkah {step} gagal: {why} ({code})", "Step {step} failed: {why} ({code})"},

	"job_step_rows": {"Langkah {step} gagal, {left} baris tidak masuk: {why} ({code})", "Step {step} failed, {left} rows are not in: {why} ({code})"},
	"job_unchanged": {"{n} baris sudah dimasukkan oleh impor lain.", "{n} rows were brought in by another import."},
	"job_left":      {"{n} baris tidak masuk.", "{n} rows are not in."},

	"publication_none":      {"Belum ada publikasi yang disiapkan.", "No publication has been prepared."},
	"publication_state":     {"Publikasi {programme}: {state}", "Publication of {programme}: {state}"},
	"publication_at":        {"Terbit: {at}", "Told at: {at}"},
	"publication_prepared":  {"Disiapkan oleh: {who}", "Prepared by: {who}"},
	"publication_approved":  {"Disetujui oleh: {who}", "Approved by: {who}"},
	"publication_withdrawn": {"Ditarik oleh: {who} ({reason})", "Withdrawn by: {who} ({reason})"},
	"publication_words":     {"Kata untuk {result}: {words}", "Words for {result}: {words}"},
	"publication_next":      {"Admin lain perlu menyetujui: lumbung admin publish approve --programme {programme}", "Another admin has to approve: lumbung admin publish approve --programme {programme}"},
	"publication_ours":      {"Anda sudah menyetujuinya.", "You have approved it already."},

	"announcement_state":   {"Pengumuman {id}: {state}", "Announcement {id}: {state}"},
	"announcement_title":   {"Judul: {title}", "Title: {title}"},
	"announcement_at":      {"Terbit: {at}", "Sent at: {at}"},
	"announcement_already": {"Sudah demikian sebelumnya; tidak ada yang diubah.", "It was so already; nothing is changed."},
	"announcement_preview": {"{people} orang di {businesses} usaha: {owners} pemilik, {staff} staf, {mentors} pendamping.", "{people} people in {businesses} businesses: {owners} owners, {staff} staff, {mentors} mentors."},
	"announcement_review":  {"Admin lain perlu menyetujui: lumbung admin announce review {id}", "Another admin has to approve: lumbung admin announce review {id}"},
	"announcement_pending": {"Menunggu persetujuan admin lain: {id}", "Waits for the approval of another admin: {id}"},
	"warning":              {"Perhatian: {text} ({code})", "Please note: {text} ({code})"},
	"receipt_sums":         {"{people} orang: {delivered} menerima, {read} membaca, {acked} mengonfirmasi.", "{people} people: {delivered} have it, {read} have read it, {acked} have confirmed."},
	"receipt_head":         {"PENGGUNA\tDITERIMA\tDIBACA\tDIKONFIRMASI", "USER\tDELIVERED\tREAD\tCONFIRMED"},
}

// Phrase is a phrase of the command line in lang, with every {name} replaced by
// params[name]. A name that is not there reads as itself.
func Phrase(name string, lang Lang, params map[string]any) string {
	w, ok := phrases[name]
	if !ok {
		return name
	}
	return fill(w.in(lang), params)
}

func (w words) in(lang Lang) string {
	if lang == EN {
		return w.en
	}
	return w.id
}

// Phrases lists the names of every phrase, in no order.
func Phrases() []string { return slices.Collect(maps.Keys(phrases)) }

// PhraseHoles lists what a phrase wants to be filled with in lang, in its order.
func PhraseHoles(name string, lang Lang) (holes []string) {
	for part := range strings.SplitSeq(phrases[name].in(lang), "{") {
		if hole, _, ok := strings.Cut(part, "}"); ok {
			holes = append(holes, hole)
		}
	}
	return holes
}
