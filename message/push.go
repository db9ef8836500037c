package message

import (
	"maps"
	"slices"
	"strings"
)

// pushTable holds what a push says under the title of its notice, where the usual words do
// not fit. It stands on lock screens and passes through servers abroad: no holes, no names,
// no amounts, no decisions.
var pushTable = map[string]entry{
	"N06": {Sentence{"", "Ketuk untuk melihat hasil pendaftaran usaha Anda."}, Sentence{"", "Tap to see how your application went."}},
	"N08": {Sentence{"", "Ketuk untuk konfirmasi kepesertaan."}, Sentence{"", "Tap to confirm that you take part."}},
	"N10": {Sentence{"", "Ada tugas pendampingan baru untuk Anda."}, Sentence{"", "There are new tasks for you."}},
	"N12": {Sentence{"", "Butuh bantuan? Hubungi pendamping."}, Sentence{"", "Need help? Ask your mentor."}},
	"N13": {Sentence{"", "Ada tugas yang menunggu Anda periksa."}, Sentence{"", "A task waits for your check."}},
	"N14": {Sentence{"", "Baca catatan pendamping."}, Sentence{"", "Read your mentor's note."}},
	"N16": {Sentence{"", "Ada tugas yang butuh bantuan Anda."}, Sentence{"", "A task needs your help."}},
	"N25": {Sentence{"", "Ada catatan yang perlu dipastikan."}, Sentence{"", "An entry needs to be confirmed."}},
	"N28": {Sentence{"", "Ketuk untuk membaca."}, Sentence{"", "Tap to read it."}},
	"N02": {Sentence{"", "Bukan Anda? Ketuk untuk mengunci akun."}, Sentence{"", "Not you? Tap to lock your account."}},
	"N03": {Sentence{"", "Ketuk untuk melihat nomor pendaftaran."}, Sentence{"", "Tap to see its number."}},
	"N05": {Sentence{"", "Draf Anda belum dikirim."}, Sentence{"", "Your draft is not sent."}},
	"N07": {Sentence{"", "Ketuk untuk konfirmasi kepesertaan."}, Sentence{"", "Tap to confirm that you take part."}},
	"N22": {Sentence{"", "Isi walau tanpa internet, terkirim otomatis nanti."}, Sentence{"", "It works without internet and is sent later by itself."}},
	"N23": {Sentence{"", "Lihat penjualan dan target Anda."}, Sentence{"", "See your sales and targets."}},
	"N24": {Sentence{"", "Selamat, target periode ini terpenuhi."}, Sentence{"", "Congratulations, the target of this period is met."}},
	"N26": {Sentence{"", "Sambungkan ke internet agar catatan aman."}, Sentence{"", "Connect to the internet to keep it safe."}},
	"N29": {Sentence{"", "Pengumuman menunggu konfirmasi Anda."}, Sentence{"", "An announcement waits for your confirmation."}},
	"N35": {Sentence{"", "Data usaha di ponsel ini akan dihapus."}, Sentence{"", "Data of the business on this phone will be removed."}},

	"application_returned": {Sentence{"", "Lihat apa yang perlu dilengkapi, lalu kirim lagi."}, Sentence{"", "See what is missing, then submit it again."}},
	"caseload_week":        {Sentence{"", "Lihat kemajuan usaha yang Anda dampingi."}, Sentence{"", "See how far your businesses are."}},
	"device_silent":        {Sentence{"", "Sebuah ponsel usaha lama tidak terhubung."}, Sentence{"", "A phone of a business has been silent for long."}},
	"device_revoked":       {Sentence{"", "Ponsel itu tidak dapat membuka akun Anda lagi."}, Sentence{"", "It can no longer open your account."}},
}

// pushMany holds what a push about several items says, by its collapse key; "tasks" where all
// are new ones, "results" where all are results, a type where all are of that and it says another
// thing of one.
var pushMany = map[string]entry{
	"reminder": {Sentence{"Beberapa tenggat mendekat", "Ketuk untuk melihat semuanya."}, Sentence{"Several things are due soon", "Tap to see them all."}},
	"queue":    {Sentence{"Menunggu pemeriksaan", "Beberapa hal menunggu Anda."}, Sentence{"Waiting for your check", "Several things wait for you."}},
	"tasks":    {Sentence{"Tugas baru", "Ada beberapa tugas pendampingan baru untuk Anda."}, Sentence{"New tasks", "There are new mentoring tasks for you."}},
	"results":  {Sentence{"Hasil kurasi sudah terbit", "Ketuk untuk melihat hasil pendaftaran usaha Anda."}, Sentence{"The results of the curation are out", "Tap to see how your applications went."}},

	"visit_tomorrow": {Sentence{"Beberapa jadwal kunjungan", "Ketuk untuk melihat semuanya."}, Sentence{"Several visits are coming up", "Tap to see them all."}},
	"device_silent":  {Sentence{"Beberapa usaha belum terhubung", "Ponsel mereka lama tidak terhubung."}, Sentence{"Several businesses have not synced", "Their phones have been silent for long."}},
	"N24":            {Sentence{"Beberapa target tercapai", "Selamat, target periode ini terpenuhi."}, Sentence{"Several targets reached", "Congratulations, targets of this period are met."}},

	"": {Sentence{"Beberapa kabar untuk Anda", "Ketuk untuk membacanya."}, Sentence{"Some news for you", "Tap to read it."}},
}

// How many characters the title and the body of a push have at most.
const (
	PushTitle = 45
	PushBody  = 140
)

// Cut shortens a text to so many characters, the last of which says that there is more.
func Cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return strings.TrimRight(string(runes[:most-1]), " .,:;") + "…"
}

// Push is what a push about an item of a type says: its title in the inbox, and a body
// that gives nothing away.
func Push(notice string, lang Lang) Sentence {
	return pushed(notice, lang, nil)
}

// PushToday is what it says of something that is due on that very day.
func PushToday(notice string, lang Lang) Sentence {
	return pushed(notice, lang, map[string]any{"today": true})
}

func pushed(notice string, lang Lang, params map[string]any) Sentence {
	out, ok := Inbox(notice, lang, params)
	if !ok {
		return PushMany("", lang)
	}
	out.Detail = pushTable[notice].in(lang).Detail
	if out.Detail == "" {
		out.Detail = entry{Sentence{"", "Ketuk untuk melihat."}, Sentence{"", "Tap to see it."}}.in(lang).Detail
	}
	return out
}

// PushDue says in a push on which day something is due.
func PushDue(day Date, lang Lang) string {
	return fill(entry{Sentence{"", "Tenggatnya {due}."}, Sentence{"", "Due on {due}."}}.in(lang).Detail, map[string]any{"due": show(day, lang)})
}

// PushOn says in a push on which day something takes place, one thing or several.
func PushOn(day Date, lang Lang) string {
	return fill(entry{Sentence{"", "Pada {on}."}, Sentence{"", "On {on}."}}.in(lang).Detail, map[string]any{"on": show(day, lang)})
}

// PushMany is what a push about several items of a collapse key says.
func PushMany(collapse string, lang Lang) Sentence {
	if e, ok := pushMany[collapse]; ok {
		return e.in(lang)
	}
	return pushMany[""].in(lang)
}

// Manies lists what pushes about several items are told apart by, sorted; "" is what says least.
func Manies() []string { return slices.Sorted(maps.Keys(pushMany)) }

func (e entry) in(lang Lang) Sentence {
	if lang == EN {
		return e.en
	}
	return e.id
}
