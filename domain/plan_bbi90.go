package domain

// BBI90 is the plan of ninety days of a Gernas BBI campaign: 24 tasks.
func BBI90() []PlanItem {
	photos := func(n int) *Evidence { return &Evidence{PhotosMin: n} }
	note, file := &Evidence{Note: true}, &Evidence{File: true}
	return []PlanItem{
		{"shop_opening", "Buka toko di marketplace", "Open a shop on a marketplace", "digital", "online", 0, 7, note, nil, nil},
		{"product_photos", "Foto tiga produk", "Photos of three products", "digital", "on_site", 3, 7, photos(3), nil, nil},
		{"ten_listings", "Tayangkan sepuluh produk", "List ten products", "digital", "online", 7, 14, note, nil, []string{"shop_opening", "product_photos"}},
		{"chat_templates", "Siapkan balasan chat", "Prepare answers for chats", "digital", "online", 14, 7, note, nil, nil},
		{"order_handling", "Latih alur pesanan", "Practise handling orders", "digital", "on_site", 14, 10, note, nil, []string{"shop_opening"}},
		{"ad_trial", "Coba iklan pertama", "Try a first advertisement", "digital", "online", 21, 14, note, nil, []string{"ten_listings"}},
		{"live_selling", "Jualan langsung lewat video", "Sell live by video", "digital", "online", 28, 14, photos(1), nil, []string{"ten_listings"}},
		{"landing_page", "Masuk laman kampanye", "Be on the campaign's landing page", "digital", "online", 30, 14, note, nil, nil},
		{"virtual_expo", "Ikut pameran virtual", "Take part in the virtual expo", "digital", "online", 45, 21, photos(1), nil, nil},
		{"esmartikm_profile", "Lengkapi profil e-Smart IKM", "Complete the e-Smart IKM profile", "digital", "online", 7, 14, note, nil, nil},
		{"production_check", "Periksa ruang produksi", "Check where it is produced", "quality", "on_site", 7, 14, photos(2), nil, nil},
		{"hygiene", "Terapkan cara produksi yang baik", "Apply good manufacturing practice", "quality", "on_site", 14, 30, photos(2), nil, []string{"production_check"}},
		{"packaging", "Perbaiki kemasan", "Improve the packaging", "quality", "on_site", 14, 30, photos(2), nil, nil},
		{"labelling", "Lengkapi label", "Complete the label", "quality", "on_site", 21, 30, photos(1), nil, []string{"packaging"}},
		{"product_test", "Uji contoh produk", "Test a sample", "quality", "on_site", 30, 40, file, nil, nil},
		{"capacity_plan", "Susun rencana kapasitas", "Plan the capacity", "quality", "on_site", 40, 30, note, nil, nil},
		{"nib_check", "Pastikan NIB dan KBLI", "Make sure of NIB and KBLI", "facilitation", "online", 0, 14, note, nil, nil},
		{"brand_check", "Periksa merek", "Check the brand", "facilitation", "online", 14, 30, note, nil, nil},
		{"certificate_choice", "Pilih sertifikasi", "Choose a certification", "facilitation", "on_site", 21, 21, note, nil, nil},
		{"certificate_file", "Siapkan berkas sertifikasi", "Prepare the papers for it", "facilitation", "on_site", 42, 40, file, nil, []string{"certificate_choice"}},
		{"bookkeeping", "Mulai pembukuan", "Begin bookkeeping", "business", "on_site", 3, 14, photos(1), nil, nil},
		{"price_calculation", "Hitung harga pokok", "Work out the cost price", "business", "on_site", 14, 21, note, nil, []string{"bookkeeping"}},
		{"sales_target", "Tetapkan target penjualan", "Set a sales target", "business", "on_site", 7, 14, note, nil, nil},
		{"story", "Tulis cerita usaha untuk media", "Write the story of the business for the media", "publicity", "online", 30, 30, note, nil, nil},
	}
}
