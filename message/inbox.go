package message

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// inboxTable holds the sentences of the inbox, by the type of the notice. Types
// with a number are those of the notification catalogue. A title is a headline
// without a full stop and without holes, safe on a lock screen. A sentence of the
// detail stands for itself: it is left out where what it wants is absent.
var inboxTable = map[string]entry{
	"N09": {
		Sentence{"Pendamping Anda", "Pendampingan usaha Anda dimulai pada {from}. Pendamping Anda: {mentor}."},
		Sentence{"Your mentor", "Your business is accompanied from {from}. Your mentor: {mentor}."}},
	"enrolment_paused": {
		Sentence{"Kepesertaan program dijeda", "Tugas program berhenti dahulu dan tenggatnya tidak berjalan. Penjualan tetap dapat dicatat. Alasannya tertera pada kepesertaan."},
		Sentence{"Part in the programme is paused", "Its tasks rest, and their dates with them. Sales can still be logged. The reason stands with the enrolment."}},
	"enrolment_resumed": {
		Sentence{"Kepesertaan program dilanjutkan", "Tugas program berjalan lagi. Tenggat dari rencana mundur {days} hari. Tenggat yang ditulis sendiri tidak berubah, silakan periksa."},
		Sentence{"Part in the programme goes on", "Its tasks go on. Days by which the dates of the plan moved: {days}. Dates that somebody wrote stay as they are; please look at them."}},
	"enrolment_completed": {
		Sentence{"Kepesertaan program selesai", "Terima kasih sudah ikut sampai selesai. Data usaha tetap dapat Anda baca."},
		Sentence{"The programme is completed", "Thank you for taking part to the end. What belongs to the business can still be read."}},
	"enrolment_withdrawn": {
		Sentence{"Kepesertaan program berakhir", "Usaha ini tidak lagi ikut program. Alasannya tertera pada kepesertaan. Data usaha tetap tersimpan."},
		Sentence{"Part in the programme has ended", "The business does not take part any more. The reason stands with the enrolment. Its records are kept."}},
	"mentor_left": {
		Sentence{"Pendampingan berakhir", "Pendampingan usaha Anda berakhir pada {until}. Pendamping: {mentor}."},
		Sentence{"A mentor leaves", "The accompaniment of your business ends on {until}. Mentor: {mentor}."}},
	"mentoring_begins": {
		Sentence{"Usaha baru untuk Anda dampingi", "Pendampingan Anda dimulai pada {from}. Usaha: {business}."},
		Sentence{"A business for you to accompany", "You are its mentor from {from}. Business: {business}."}},
	"mentoring_ends": {
		Sentence{"Pendampingan Anda berakhir", "Terima kasih atas pendampingan Anda. Usaha: {business}. Berlaku mulai {until}."},
		Sentence{"Your mentoring ends", "Thank you for your work. Business: {business}. It ends on {until}."}},
	"N10": {
		Sentence{"Tugas baru", "{task} menunggu Anda. Tenggat {due}."},
		Sentence{"New task", "{task} waits for you. It is due on {due}."}},
	"N11": {
		Sentence{"Tenggat tugas mendekat", "{task}: tenggat {due}."},
		Sentence{"A task is due soon", "{task} is due on {due}."}},
	"N12": {
		Sentence{"Tugas lewat tenggat", "{task} belum selesai, tenggatnya {due}. Butuh bantuan? Hubungi pendamping."},
		Sentence{"A task is overdue", "{task} was due on {due} and is not done. Need help? Ask your mentor."}},
	"N13": {
		Sentence{"Menunggu pemeriksaan", "{task} menunggu Anda periksa."},
		Sentence{"Waiting for your check", "{task} waits for your check."}},
	"N14": {
		Sentence{"Tugas perlu diperbaiki", "Baca catatan pendamping pada {task}."},
		Sentence{"Task sent back", "Read the mentor's note on {task}."}},
	"N15": {
		Sentence{"Tugas selesai", "{task} sudah diverifikasi."},
		Sentence{"Task done", "{task} has been verified."}},
	"N16": {
		Sentence{"IKM terkendala", "{task} terkendala dan butuh bantuan Anda."},
		Sentence{"A business is stuck", "{task} is blocked and needs your help."}},
	"N17": {
		Sentence{"Jadwal kunjungan", "{at}."},
		Sentence{"Visit planned", "{at}."}},
	"visit_cancelled": {
		Sentence{"Kunjungan dibatalkan", "Kunjungan pada {at} tidak jadi. Baca alasannya pada jadwal kunjungan."},
		Sentence{"Visit cancelled", "The visit of {at} is off. The reason stands with the visit."}},
	"N18": {
		Sentence{"Tenggat fasilitasi", "{kind}, paling lambat {due}. Tahap: {step}. Tahap: {name}."},
		Sentence{"A facilitation is due", "{kind}, by {due}. Step: {step}. Step: {name}."}},
	"N19": {
		Sentence{"Dokumen perlu diganti", "Lihat catatan pada berkas {kind}."},
		Sentence{"A document must be replaced", "See the note on the file for {kind}."}},
	"N06": {
		Sentence{"Hasil kurasi sudah terbit", "Ketuk untuk melihat hasil pendaftaran usaha Anda."},
		Sentence{"The results of the curation are out", "Tap to see how your application went."}},
	"N08": {
		Sentence{"Ada tempat untuk Anda", "Ketuk untuk konfirmasi kepesertaan."},
		Sentence{"There is a place for you", "Tap to confirm that you take part."}},
	"application_returned": {
		Sentence{"Pendaftaran dikembalikan", "Lihat apa yang perlu dilengkapi, lalu kirim lagi. Lengkapi sebelum {until}."},
		Sentence{"Your application came back", "See what is missing, then submit it again. Complete it before {until}."}},
	"late_score": {
		Sentence{"Lembar nilai datang terlambat", "Lembar untuk {number} tiba setelah tahap {stage} diputuskan dan tidak dihitung."},
		Sentence{"A score sheet came late", "The sheet for {number} came after stage {stage} was decided and does not count."}},
	"N20": {
		Sentence{"Hasil fasilitasi tersedia", "Hasil {kind} sudah dipastikan. Ketuk untuk melihat."},
		Sentence{"Facilitation result available", "The result of {kind} has been confirmed. Tap to see it."}},
	"N21": {
		Sentence{"Masa berlaku hampir habis", "{kind} berlaku sampai {until}. Ajukan perpanjangannya."},
		Sentence{"A certificate ends soon", "{kind} is valid until {until}. Propose its renewal."}},
	"case_proposed": {
		Sentence{"Usulan fasilitasi baru", "{kind} menunggu persetujuan."},
		Sentence{"New facilitation proposed", "{kind} waits for approval."}},
	"case_approved": {
		Sentence{"Fasilitasi disetujui", "{kind} dimulai. Siapkan dokumennya."},
		Sentence{"Facilitation approved", "{kind} has begun. Please prepare the documents."}},
	"case_findings": {
		Sentence{"Ada temuan pada fasilitasi", "Temuan pada {kind} perlu diperbaiki."},
		Sentence{"The assessment has findings", "What was found in {kind} must be put right."}},
	"case_cancelled": {
		Sentence{"Fasilitasi dibatalkan", "{kind} dibatalkan. Dokumen dan catatan Anda tetap tersimpan."},
		Sentence{"Facilitation cancelled", "{kind} has been cancelled. Your documents and notes are kept."}},
	"case_operation_absorbed": {
		Sentence{"Diterima, fasilitasi sudah lebih lanjut", "{kind} sudah mencapai keadaan lain. Berkas dan catatan Anda tetap tersimpan."},
		Sentence{"Received, the facilitation has moved on", "{kind} has reached another state. Your files and notes are kept."}},
	"case_late_handover": {
		Sentence{"Pekerjaan pendamping sebelumnya", "{kind} diproses sebelum serah terima."},
		Sentence{"Work done before the handover", "{kind} was worked on before the handover."}},
	"N25": {
		Sentence{"Periksa catatan penjualan", "Ada catatan yang perlu dipastikan."},
		Sentence{"Please check a sales entry", "An entry needs to be confirmed."}},
	"N28": {
		Sentence{"Pengumuman baru", "Ketuk untuk membaca."},
		Sentence{"New announcement", "Tap to read it."}},
	"task_proposed": {
		Sentence{"Usulan tugas baru", "{task} menunggu persetujuan Anda."},
		Sentence{"New task proposed", "{task} waits for your consent."}},
	"task_cancelled": {
		Sentence{"Tugas dibatalkan", "{task} dibatalkan. Baca alasannya pada tugas. Bukti dan catatan Anda tetap tersimpan."},
		Sentence{"Task cancelled", "{task} has been cancelled. The reason stands with the task. Your evidence and notes are kept."}},
	"edit_lost": {
		Sentence{"Perubahan Anda tidak dipakai", "Orang lain mengubah isian yang sama. Nilai Anda tersimpan dan dapat dipulihkan."},
		Sentence{"Your change was not used", "Somebody changed the same field. Your value is kept and can be restored."}},
	"edit_refused": {
		Sentence{"Ada perubahan yang tidak diterima", "Ditinjau server pada {at}. Isinya tetap tersimpan dan alasannya dapat Anda baca."},
		Sentence{"Some changes were not accepted", "The server judged them on {at}. What you wrote is kept, and you can read why."}},
	"review_applied": {
		Sentence{"Perubahan Anda diterima admin", "Perubahan yang terlambat kini tersimpan atas nama Anda."},
		Sentence{"An admin accepted your change", "The change that came late is now saved in your name."}},
	"review_dismissed": {
		Sentence{"Perubahan Anda ditinjau admin", "Admin tidak memakai perubahan itu. Isinya tetap dapat Anda baca."},
		Sentence{"An admin looked at your change", "It will not be used. You can still read what you wrote."}},
	"operation_absorbed": {
		Sentence{"Diterima, tugas sudah lebih lanjut", "{task} sudah mencapai keadaan lain. Bukti dan catatan Anda tetap tersimpan."},
		Sentence{"Received, the task has moved on", "{task} has reached another state. Your evidence and notes are kept."}},
	"second_opinion": {
		Sentence{"Perlu pendapat kedua", "Dua pendamping menilai {task} secara berbeda."},
		Sentence{"A second opinion is needed", "Two mentors judged {task} differently."}},
	"late_handover": {
		Sentence{"Hasil dari pendamping sebelumnya", "{task} diperiksa sebelum serah terima."},
		Sentence{"Work of the previous mentor", "{task} was checked before the handover."}},
	"adjustment_proposed": {
		Sentence{"Usulan perubahan penjualan", "Perubahan pada catatan terverifikasi menunggu persetujuan Anda."},
		Sentence{"A change of a sale is proposed", "A change of a verified entry waits for your consent."}},
	"N02": {
		Sentence{"Masuk dari ponsel baru", "Bukan Anda? Ketuk untuk mengunci akun. Ponsel: {model}."},
		Sentence{"A new phone signed in", "Not you? Tap to lock your account. Phone: {model}."}},
	"N03": {
		Sentence{"Pendaftaran diterima", "Nomor {number}. Hasil diumumkan {on}."},
		Sentence{"Application received", "Its number is {number}. Results are told on {on}."}},
	"N05": {
		Sentence{"Pendaftaran segera ditutup", "Ditutup {at}. Draf Anda belum dikirim."},
		Sentence{"Registration closes soon", "It closes on {at}. Your draft is not sent."}},
	"N07": {
		Sentence{"Konfirmasi kepesertaan", "Batas konfirmasi {at}."},
		Sentence{"Please confirm your place", "The place is kept until {at}."}},
	"visit_tomorrow": {
		Sentence{"Jadwal kunjungan", "{at}."},
		Sentence{"A visit is coming up", "{at}."}},
	"N22": {
		Sentence{"Catat penjualan hari ini", "Isi walau tanpa internet, terkirim otomatis nanti."},
		Sentence{"Log today's sales", "It works without internet and is sent later by itself."}},
	"N23": {
		Sentence{"Ringkasan mingguan", "Lihat penjualan dan target Anda. Minggu {from} sampai {until}."},
		Sentence{"Weekly summary", "See your sales and targets. Week from {from} to {until}."}},
	"caseload_week": {
		Sentence{"Ringkasan mingguan dampingan", "Lihat kemajuan usaha yang Anda dampingi. Minggu {from} sampai {until}."},
		Sentence{"Weekly summary of your businesses", "See how far they are. Week from {from} to {until}."}},
	"N24": {
		Sentence{"Target tercapai", "Selamat, target sampai {until} terpenuhi."},
		Sentence{"Target reached", "Congratulations, the target up to {until} is met."}},
	"N26": {
		Sentence{"Data belum terkirim", "Sambungkan ke internet agar catatan aman. Terakhir terhubung {from}."},
		Sentence{"Your data is not sent yet", "Connect to the internet to keep it safe. Last heard of on {from}."}},
	"device_silent": {
		Sentence{"Usaha belum terhubung", "Ponsel usaha terakhir terhubung {from}. Usaha: {business}."},
		Sentence{"A business has not synced", "Its phone was last heard of on {from}. Business: {business}."}},
	"N29": {
		Sentence{"Mohon dibaca", "Pengumuman menunggu konfirmasi Anda. Paling lambat {at}."},
		Sentence{"Please read and confirm", "An announcement waits for you. Please confirm by {at}."}},
	"N35": {
		Sentence{"Akses dihentikan", "Data usaha di ponsel ini akan dihapus. Usaha: {business}."},
		Sentence{"Access ended", "Data of the business on this phone will be removed. Business: {business}."}},
	"device_revoked": {
		Sentence{"Ponsel dikeluarkan dari akun", "Ponsel itu tidak dapat membuka akun Anda lagi. Ponsel: {model}."},
		Sentence{"A phone was removed from your account", "It can no longer open your account. Phone: {model}."}},
}

// inboxMany holds the sentences of an item that is about several objects, "n" of
// them.
var inboxMany = map[string]entry{
	"N10": {
		Sentence{"Tugas baru", "{n} tugas pendampingan baru menunggu Anda. Tenggat terdekat {due}."},
		Sentence{"New tasks", "{n} new tasks wait for you. The nearest is due on {due}."}},
}

// inboxToday holds the sentences of what is due on the very day.
var inboxToday = map[string]entry{
	"N11": {
		Sentence{"Tenggat hari ini", "{task}: tenggat {due}."},
		Sentence{"A task is due today", "{task} is due on {due}."}},
}

// Date is a parameter that is a day alone, whatever its hour.
type Date time.Time

// longestText is how much an item shows of the words of people, in runes, so that
// the whole fits a small screen.
const longestText = 60

// Inbox is the text of a notice in lang. params fill the holes: a text is cut if
// it is long, a Date is written as a day, a time.Time as day and hour in its own
// location, a whole number as it is. A sentence that wants what is absent is left
// out. A whole number n above 1 asks for the words about several, "today" that is true
// for those of the very day. ok is false for a type that the catalogue does not know.
func Inbox(notice string, lang Lang, params map[string]any) (s Sentence, ok bool) {
	e, ok := inboxTable[notice]
	if n, _ := params["n"].(int); n > 1 {
		if many, is := inboxMany[notice]; is {
			e = many
		}
	}
	if today, _ := params["today"].(bool); today {
		if own, is := inboxToday[notice]; is {
			e = own
		}
	}
	s = e.in(lang)
	shown := map[string]any{}
	for name, v := range params {
		shown[name] = show(v, lang)
	}
	return Sentence{Title: s.Title, Detail: fill(answered(s.Detail, shown), shown)}, ok
}

// News is the text of an announcement in lang, and whether it was corrected or taken
// back. Nothing of it is cut.
func News(title, body string, lang Lang, updated, retracted bool) Sentence {
	mark := func(id, en string) string {
		if lang == EN {
			return en
		}
		return id
	}
	switch {
	case retracted:
		return Sentence{mark("Ditarik: ", "Retracted: ") + title, mark("Pengumuman ini ditarik oleh pengirimnya.", "This announcement was taken back by its sender.")}
	case updated:
		return Sentence{mark("Diperbarui: ", "Updated: ") + title, body}
	}
	return Sentence{title, body}
}

// show writes a parameter as people read it.
func show(v any, lang Lang) string {
	switch v := v.(type) {
	case Date:
		return Day(time.Time(v), lang)
	case time.Time:
		if lang == EN {
			return Day(v, lang) + " at " + Hour(v, lang)
		}
		return Day(v, lang) + " pukul " + Hour(v, lang)
	case string:
		if r := []rune(v); len(r) > longestText {
			return strings.TrimSpace(string(r[:longestText-1])) + "…"
		}
		return v
	}
	return fmt.Sprint(v)
}

// answered leaves out the sentences of a detail that have a hole which nothing
// fills.
func answered(detail string, params map[string]any) string {
	var kept []string
	for sentence := range strings.SplitAfterSeq(detail, ". ") {
		if !slices.ContainsFunc(Holes(sentence), func(hole string) bool { return params[hole] == nil || params[hole] == "" }) {
			kept = append(kept, sentence)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ""))
}

// Holes lists the names in braces of a template, in order.
func Holes(template string) []string {
	var holes []string
	for {
		_, rest, found := strings.Cut(template, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return holes
		}
		holes, template = append(holes, name), after
	}
}

// InboxTemplates are the sentences of a notice in lang with their holes: about
// one object, about several if it may be, and on the very day where that has its own.
func InboxTemplates(notice string, lang Lang) []Sentence {
	var out []Sentence
	for _, table := range []map[string]entry{inboxTable, inboxMany, inboxToday} {
		if e, ok := table[notice]; ok {
			out = append(out, e.in(lang))
		}
	}
	return out
}

// Notices lists every type of notice, sorted.
func Notices() []string {
	var all []string
	for notice := range inboxTable {
		all = append(all, notice)
	}
	slices.Sort(all)
	return all
}
