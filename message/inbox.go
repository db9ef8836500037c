package message

import "slices"

// inboxTable holds the sentences of the inbox, by the type of the notice. Types
// with a number are those of the notification catalogue. A title is a headline
// without a full stop; the same words, without holes, are safe on a lock screen.
var inboxTable = map[string]entry{
	"N10": {
		Sentence{"Tugas baru", "{task} menunggu Anda."},
		Sentence{"New task", "{task} waits for you."}},
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
		Sentence{"Jadwal kunjungan", "Ada jadwal kunjungan baru atau yang berubah."},
		Sentence{"Visit planned", "A visit was planned or moved."}},
	"visit_cancelled": {
		Sentence{"Kunjungan dibatalkan", "Baca alasannya pada jadwal kunjungan."},
		Sentence{"Visit cancelled", "The reason stands with the visit."}},
	"N19": {
		Sentence{"Dokumen perlu diganti", "Lihat catatan pada berkas {kind}."},
		Sentence{"A document must be replaced", "See the note on the file for {kind}."}},
	"N20": {
		Sentence{"Hasil fasilitasi tersedia", "Hasil {kind} sudah dipastikan. Ketuk untuk melihat."},
		Sentence{"Facilitation result available", "The result of {kind} has been confirmed. Tap to see it."}},
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
	"task_proposed": {
		Sentence{"Usulan tugas baru", "{task} menunggu persetujuan Anda."},
		Sentence{"New task proposed", "{task} waits for your consent."}},
	"task_cancelled": {
		Sentence{"Tugas dibatalkan", "{task} dibatalkan. Bukti dan catatan Anda tetap tersimpan."},
		Sentence{"Task cancelled", "{task} has been cancelled. Your evidence and notes are kept."}},
	"edit_lost": {
		Sentence{"Perubahan Anda tidak dipakai", "Orang lain mengubah isian yang sama. Nilai Anda tersimpan dan dapat dipulihkan."},
		Sentence{"Your change was not used", "Somebody changed the same field. Your value is kept and can be restored."}},
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
}

// Inbox is the text of a notice in lang, with every {name} replaced by
// params[name]. ok is false for a type that the catalogue does not know.
func Inbox(notice string, lang Lang, params map[string]any) (s Sentence, ok bool) {
	e, ok := inboxTable[notice]
	s = e.id
	if lang == EN {
		s = e.en
	}
	return Sentence{Title: fill(s.Title, params), Detail: fill(s.Detail, params)}, ok
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
