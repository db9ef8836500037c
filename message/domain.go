package message

// domainTable holds the rules of the programmes.
var domainTable = map[string]entry{
	"span_reversed": {
		Sentence{"{field} berakhir sebelum dimulai.", "Silakan periksa awal dan akhirnya."},
		Sentence{"{field} ends before it begins.", "Please check its start and its end."}},
	"depends_in_circle": {
		Sentence{"{field}: tugas ini menunggu dirinya sendiri lewat tugas lain.", "Hapus salah satu urutannya."},
		Sentence{"{field}: this task waits for itself by way of others.", "Take one of the steps out."}},
	"template_kind": {
		Sentence{"Templat rencana ini untuk jenis program lain.", "Pilih templat yang sesuai dengan jenis program."},
		Sentence{"This plan template is for programmes of another kind.", "Choose one that suits the kind of the programme."}},
	"phase_order": {
		Sentence{"{field} dimulai terlalu awal.", "Urutannya: pendaftaran, kurasi, pengumuman hasil, lalu pemantauan penjualan."},
		Sentence{"{field} begins too early.", "The order is registration, curation, publication, then the monitoring of sales."}},
	"phase_missing": {
		Sentence{"Tahap pendaftaran belum ada.", "Tambahkan tahap registration sebelum program dibuka."},
		Sentence{"There is no registration phase yet.", "Add the phase registration before the programme opens."}},
	"code_repeated": {
		Sentence{"{field} sudah dipakai di daftar ini.", ""},
		Sentence{"{field} is in this list already.", ""}},
	"choices_unasked": {
		Sentence{"{field}: hanya pertanyaan berjenis pilihan (choice) yang memiliki pilihan.", "Ubah jenisnya, atau hapus pilihannya."},
		Sentence{"{field}: only a question of the kind choice has choices.", "Change its kind, or take the choices out."}},
	"more_than_quota": {
		Sentence{"Jumlah juara melebihi kuota.", ""},
		Sentence{"There are more champions than the quota.", ""}},
	"stage_order": {
		Sentence{"Tahap kurasi harus bernomor 1, 2, 3, dan seterusnya sesuai urutan.", ""},
		Sentence{"Stages are numbered 1, 2, 3 and so on, in their order.", ""}},
	"weights_not_whole": {
		Sentence{"Jumlah bobot pada {field} harus 10.000 (100 persen).", ""},
		Sentence{"The weights of {field} must add up to 10,000 (100 percent).", ""}},
	"item_unanswered": {
		Sentence{"{field} tidak dijawab oleh data mana pun, sehingga tidak ada pendaftar yang lolos.", "Periksa ejaannya. Kode yang dikenal: {known}. Atau tambahkan pertanyaan ya/tidak dengan kode itu pada program."},
		Sentence{"Nothing answers {field}, so that nobody would pass.", "Please check its spelling. Known codes: {known}. Or add a question for yes or no with that code to the programme."}},
	"ranks_nobody": {
		Sentence{"Tahap kurasi terakhir harus memberi nilai (rubrik), supaya ada urutan untuk mengisi kuota.", "Tambahkan tahap rubrik sebagai tahap terakhir."},
		Sentence{"The last stage must give marks (a rubric), so that there is an order by which the quota is filled.", "Add a rubric as the last stage."}},
	"results_not_told": {
		Sentence{"Hasil kurasi belum diumumkan kepada pendaftar.", "Siapkan dan setujui pengumuman hasil terlebih dahulu."},
		Sentence{"The results have not been told to the applicants.", "Prepare and approve their publication first."}},
	"not_in_plan": {
		Sentence{"{field} tidak ada dalam tahapan program ini.", "Tambahkan tahapannya, atau pilih yang lain."},
		Sentence{"{field} is no phase of this programme.", "Add the phase, or choose another one."}},
	"role_missing": {
		Sentence{"{field} bukan peran mitra ini.", "Tambahkan peran itu pada mitra, atau pilih yang lain."},
		Sentence{"{field} is no role of this partner.", "Add the role to the partner, or choose another one."}},
	"field_fixed": {
		Sentence{"{field} tidak dapat diubah lagi pada status program sekarang.", ""},
		Sentence{"{field} can no longer be changed in the present status of the programme.", ""}},
	"publish_in_past": {
		Sentence{"Waktu terbit sudah lewat.", "Pilih waktu yang akan datang."},
		Sentence{"The time of publication has passed.", "Choose a later one."}},
	"audience_empty": {
		Sentence{"Pengumuman ini belum punya penerima.", "Periksa pilihan penerimanya."},
		Sentence{"Nobody would receive this announcement.", "Please check its audience."}},
	"audience_too_large": {
		Sentence{"Penerima terlalu banyak untuk satu pengumuman.", "Bagilah menurut wilayah atau bidang usaha."},
		Sentence{"There are too many recipients for one announcement.", "Divide them by region or category."}},
	"review_required": {
		Sentence{"Pengumuman ini perlu disetujui admin lain.", "Mintalah pemeriksaan terlebih dahulu."},
		Sentence{"Another admin has to approve this announcement.", "Ask for a review first."}},
	"quiet_hours": {
		Sentence{"Waktu terbit berada di jam tenang (21.00–06.00).", "Isi kotak masuk langsung tersedia, pemberitahuan ponsel menyusul pagi hari."},
		Sentence{"The time of publication lies in the quiet hours (21:00–06:00).", "Inboxes have it at once, phones ring in the morning."}},
	"import_closed": {
		Sentence{"Program ini sedang tidak menerima pendaftar.", "Pendaftar dapat dimasukkan sejak program dibuka sampai tahap pertama kurasi diputuskan."},
		Sentence{"This programme takes no registrants now.", "They can be brought in from its opening until the first stage of the curation is decided."}},
	"stage_not_begun": {
		Sentence{"Belum ada berkas pada tahap kurasi ini.", "Mulai tahap ini atau putuskan tahap sebelumnya dahulu."},
		Sentence{"No file is in this stage yet.", "Begin it, or decide the stage before it first."}},
	"stage_not_ready": {
		Sentence{"Tahap kurasi ini belum siap.", "Pendaftaran dan waktu untuk melengkapi berkas harus sudah berakhir, semua berkas sudah masuk tahap ini, dan semua lembar nilai sudah masuk."},
		Sentence{"This stage is not ready.", "Registration and the time to complete files must be over, all files in the stage, and all sheets in."}},
	"stage_decided": {
		Sentence{"Tahap kurasi ini sudah diputuskan.", ""},
		Sentence{"This stage is decided already.", ""}},
	"basis_changed": {
		Sentence{"Dasar keputusan sudah berubah sejak Anda melihatnya.", "Silakan periksa lagi, lalu putuskan."},
		Sentence{"What the decision rests on has changed since you saw it.", "Please look again, then decide."}},
	"same_person": {
		Sentence{"Langkah ini harus disetujui oleh admin lain.", ""},
		Sentence{"Another admin has to approve this step.", ""}},
	"track_taken": {
		Sentence{"Bidang pendampingan ini sudah dipegang pendamping lain.", "Pilih bidang lain, atau serahkan usaha ini kepada pendamping baru."},
		Sentence{"Another mentor has this track of the business.", "Choose another track, or hand the business over."}},
	"own_business": {
		Sentence{"Orang ini pemilik atau staf usaha tersebut, jadi tidak dapat mendampinginya.", "Pilih pendamping lain."},
		Sentence{"This person owns the business or works for it, so they cannot mentor it.", "Choose another mentor."}},
	"not_in_programme": {
		Sentence{"Usaha ini tidak terdaftar di program tersebut, dan program itu tidak dibuka untuk wilayahnya.", "Pilih program lain, atau tugaskan tanpa program."},
		Sentence{"The business has not applied to this programme, and it is not open for its region.", "Choose another programme, or send the mentor without one."}},
	"mentor_full": {
		Sentence{"Pendamping ini sudah mendampingi usaha sebanyak kapasitasnya.", "Pilih pendamping lain, atau lanjutkan melebihi kapasitas dengan menyebut alasannya."},
		Sentence{"This mentor has as many businesses as they can accompany.", "Choose another one, or go beyond it and say why."}},
	"too_few_curators": {
		Sentence{"Kurator dari lembaga yang berbeda belum cukup untuk semua berkas.", "Tambahkan kurator."},
		Sentence{"There are not enough curators of different institutions for all files.", "Add curators."}},
	"publication_approved": {
		Sentence{"Pengumuman hasil sudah disetujui.", "Tarik dahulu untuk mengubahnya."},
		Sentence{"The publication is approved already.", "Withdraw it first to change it."}},
	"publication_late": {
		Sentence{"Waktu pengumuman sudah lewat.", "Siapkan lagi dengan waktu yang baru."},
		Sentence{"The time of the publication is over.", "Prepare it again with a new time."}},
	"outside_region": {
		Sentence{"Pengumuman admin wilayah hanya untuk provinsinya sendiri.", "Sebutkan wilayah sasaran, semuanya di provinsi Anda."},
		Sentence{"A regional admin announces to their own provinces only.", "Please name the regions of the audience, all of them in your provinces."}},
	"publication_begun": {
		Sentence{"Hasil sudah mulai diumumkan, jadi tidak dapat ditarik lagi.", ""},
		Sentence{"The results are being told already, so that they cannot be withdrawn.", ""}},
	"place_taken": {
		Sentence{"Tempat ini sudah diberikan kepada peserta cadangan.", "Pemiliknya sudah melepaskannya lebih dahulu. Mohon sampaikan kepadanya."},
		Sentence{"This place has gone to the reserve.", "Its owner had given it up before. Please tell them."}},
	"offer_lapsed": {
		Sentence{"Batas waktu konfirmasi tempat ini sudah lewat.", "Tempatnya untuk peserta cadangan berikutnya."},
		Sentence{"The time to confirm this place is over.", "It goes to the next of the reserve."}},
	"template_exists": {
		Sentence{"Versi templat ini sudah terbit.", "Terbitkan versi yang baru."},
		Sentence{"This version of the template is published.", "Publish another version."}},
	"number_prefix_taken": {
		Sentence{"Awalan nomor ini sudah dipakai program lain.", "Pilih awalan lain."},
		Sentence{"Another programme has this prefix of receipt numbers.", "Choose another prefix."}},
	"programme_exists": {
		Sentence{"Kode program ini sudah dipakai.", "Pilih kode lain."},
		Sentence{"There is a programme of this code already.", "Choose another code."}},
	"amount_invalid": {
		Sentence{"Jumlah rupiah tidak dapat dibaca.", "Contoh penulisan: 1.250.000 atau 1,25 juta."},
		Sentence{"The amount in rupiah cannot be read.", "Write it like 1.250.000 or 1,25 juta."}},
	"amount_ambiguous": {
		Sentence{"Jumlah rupiah dapat dibaca dengan dua cara.", "Gunakan titik untuk ribuan, contoh: 1.250."},
		Sentence{"The amount can be read in two ways.", "Use a dot for thousands, such as 1.250."}},
	"amount_fraction": {
		Sentence{"Jumlah harus dalam rupiah bulat.", "Hilangkan angka di belakang koma."},
		Sentence{"The amount must be whole rupiah.", "Leave out what stands behind the comma."}},
	"amount_out_of_range": {
		Sentence{"Jumlah rupiah di luar batas.", "Silakan periksa kembali."},
		Sentence{"The amount is out of range.", "Please check it."}},
	"quantity_invalid": {
		Sentence{"Banyaknya barang tidak dapat dibaca.", "Paling banyak tiga angka desimal."},
		Sentence{"The quantity cannot be read.", "It has three decimals at most."}},
	"quantity_out_of_range": {
		Sentence{"Banyaknya barang di luar batas.", "Harus lebih dari nol."},
		Sentence{"The quantity is out of range.", "It must be above zero."}},
	"phone_invalid": {
		Sentence{"Nomor telepon tidak benar.", "Contoh penulisan: 0812-3456-7890."},
		Sentence{"The phone number is not right.", "Write it like 0812-3456-7890."}},
	"phone_scientific": {
		Sentence{"Nomor telepon rusak oleh lembar kerja.", "Ubah format kolom menjadi teks lalu isi kembali nomornya."},
		Sentence{"A spreadsheet has damaged the phone number.", "Set the column to text and enter the number again."}},
	"phone_landline": {
		Sentence{"Nomor ini adalah telepon rumah atau kantor.", "Gunakan nomor ponsel."},
		Sentence{"This number is a landline.", "Please use a mobile number."}},
	"phone_foreign": {
		Sentence{"Nomor ini bukan nomor Indonesia.", "Gunakan nomor ponsel Indonesia (+62)."},
		Sentence{"This number is not Indonesian.", "Please use an Indonesian mobile number (+62)."}},
	"phone_too_short": {
		Sentence{"Nomor telepon kurang lengkap.", ""},
		Sentence{"The phone number is too short.", ""}},
	"phone_too_long": {
		Sentence{"Nomor telepon terlalu panjang.", ""},
		Sentence{"The phone number is too long.", ""}},
	"date_invalid": {
		Sentence{"Tanggal tidak benar.", "Contoh penulisan: 2022-06-17."},
		Sentence{"The date is not right.", "Write it like 2022-06-17."}},
	"zone_unknown": {
		Sentence{"Zona waktu tidak dikenal.", "Pilih WIB, WITA atau WIT."},
		Sentence{"The time zone is not known.", "Choose WIB, WITA or WIT."}},
	"region_invalid": {
		Sentence{"Kode wilayah tidak benar.", "Contoh penulisan: 18.71."},
		Sentence{"The region code is not right.", "Write it like 18.71."}},
	"region_ambiguous": {
		Sentence{"{field}: ada kabupaten dan kota dengan nama ini.", "Tulis Kabupaten atau Kota di depannya, atau kodenya."},
		Sentence{"{field}: there is a regency and a city of this name.", "Write Kabupaten or Kota before it, or its code."}},
	"region_unknown": {
		Sentence{"Wilayah tidak ada dalam daftar.", ""},
		Sentence{"The region is not on the list.", ""}},
	"time_reversed": {
		Sentence{"Waktu selesai mendahului waktu mulai.", "Periksa jam dan tanggalnya."},
		Sentence{"The end lies before the beginning.", "Please check the times."}},
	"nik_invalid": {
		Sentence{"NIK tidak benar.", "NIK terdiri dari 16 angka seperti tercetak pada KTP."},
		Sentence{"The NIK is not right.", "It has the 16 digits that are printed on the identity card."}},
	"nib_invalid": {
		Sentence{"NIB harus terdiri dari 13 angka.", ""},
		Sentence{"An NIB has 13 digits.", ""}},
	"kbli_invalid": {
		Sentence{"KBLI harus terdiri dari 5 angka.", ""},
		Sentence{"A KBLI has 5 digits.", ""}},
	"amount_mismatch": {
		Sentence{"Jumlah tidak sama dengan rincian dikurangi potongan.", "Hitung kembali rincian penjualan."},
		Sentence{"The amount differs from the lines minus the discount.", "Please add up the lines again."}},
	"discount_exceeds_lines": {
		Sentence{"Potongan lebih besar daripada rincian.", ""},
		Sentence{"The discount is more than the lines.", ""}},
	"marketplace_required": {
		Sentence{"Pilih lokapasar tempat barang terjual.", ""},
		Sentence{"Choose the marketplace of the sale.", ""}},
	"marketplace_unexpected": {
		Sentence{"Lokapasar hanya diisi untuk penjualan di lokapasar.", ""},
		Sentence{"A marketplace goes with marketplace sales only.", ""}},
	"exhibition_required": {
		Sentence{"Pilih pameran tempat barang terjual.", ""},
		Sentence{"Choose the exhibition of the sale.", ""}},
	"exhibition_unexpected": {
		Sentence{"Pameran hanya diisi untuk penjualan di pameran.", ""},
		Sentence{"An exhibition goes with exhibition sales only.", ""}},
	"date_in_future": {
		Sentence{"Tanggal penjualan belum tiba.", "Periksa tanggalnya."},
		Sentence{"The day of the sale lies ahead.", "Please check the date."}},
	"due_before_created": {
		Sentence{"Tenggat tidak boleh sebelum tugas dibuat.", ""},
		Sentence{"The due day cannot lie before the task was made.", ""}},
	"reason_required": {
		Sentence{"Tuliskan alasannya.", ""},
		Sentence{"Please give a reason.", ""}},
	"sheet_incomplete": {
		Sentence{"Nilai pada lembar ini belum lengkap.", "Isi setiap butir penilaian sesuai rentangnya, lalu kirim lagi."},
		Sentence{"The points of this sheet are not complete.", "Give every item points within its range, then submit again."}},
	"patch_required": {
		Sentence{"Perubahan ini belum berisi nilai.", ""},
		Sentence{"This change holds no values.", ""}},
	"patch_unexpected": {
		Sentence{"Perubahan ini tidak boleh berisi nilai tersebut.", ""},
		Sentence{"This change cannot hold that value.", ""}},
	"evidence_missing": {
		Sentence{"Bukti tugas belum lengkap.", "Tambahkan foto, berkas atau catatan yang diminta."},
		Sentence{"The evidence of the task is not complete.", "Add the photos, file or note that it asks for."}},
	"case_subject_mismatch": {
		Sentence{"Jenis fasilitasi ini bukan untuk hal yang dipilih.", "Contoh: SKKNI untuk orang, TKDN untuk produk."},
		Sentence{"This kind of facilitation is not for what was chosen.", "SKKNI is for a person, TKDN for a product."}},
	"case_subject_required": {
		Sentence{"Pilih produk, orang, sarana atau merek yang difasilitasi.", ""},
		Sentence{"Choose the product, person, premises or brand that it is about.", ""}},
	"case_category_mismatch": {
		Sentence{"Jenis fasilitasi ini bukan untuk bidang usaha tersebut.", "Periksa bidang usaha yang dipilih."},
		Sentence{"This kind of facilitation is not for that line of business.", "Please check the category."}},
	"case_link_mismatch": {
		Sentence{"Fasilitasi lama adalah jenis yang lain.", ""},
		Sentence{"The earlier case is of another kind.", ""}},
	"admin_required": {
		Sentence{"Hanya admin yang dapat memutuskan ini.", "Fasilitasi ini dibiayai program, atau hasilnya menunggu konfirmasi."},
		Sentence{"Only an admin decides this.", "The programme pays for it, or its result waits for confirmation."}},
	"deadline_required": {
		Sentence{"Isi tenggat fasilitasi.", ""},
		Sentence{"Please set the deadline of the case.", ""}},
	"documents_missing": {
		Sentence{"Dokumen wajib belum semuanya diterima.", "Periksa daftar dokumen."},
		Sentence{"Not all required documents are accepted.", "Please check the list of documents."}},
	"document_unknown": {
		Sentence{"Berkas ini belum diberikan sebagai dokumen tersebut.", ""},
		Sentence{"This file was not given as that document.", ""}},
	"result_validity": {
		Sentence{"Masa berlaku tidak benar.", "Tanggal akhir harus sesudah tanggal terbit dan sesuai jenis sertifikat."},
		Sentence{"The validity is not right.", "It ends after the day of issue, as certificates of the kind do."}},
	"result_value_mismatch": {
		Sentence{"Nilai persen hanya dan harus diisi untuk TKDN.", ""},
		Sentence{"A percentage goes with TKDN, and must be there.", ""}},
	"online_only": {
		Sentence{"Tindakan ini hanya dapat dilakukan saat tersambung ke internet.", ""},
		Sentence{"This can be done with a connection only.", ""}},
	"region_mismatch": {
		Sentence{"Kecamatan atau desa tidak terletak di wilayah yang dipilih.", ""},
		Sentence{"The district or village does not lie in the chosen region.", ""}},
}
