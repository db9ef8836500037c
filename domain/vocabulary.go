package domain

import (
	"sync"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Channels of a sale.
const (
	ChannelMarketplace = "marketplace"
	ChannelExhibition  = "exhibition"
)

// Listed is one entry of a reference list.
type Listed struct {
	Code     string
	Word     string // of the catalogue, that records carry for it; empty: the code
	Name     string // Bahasa Indonesia
	English  string // empty: as Name
	Aliases  []string
	Fields   map[string]merge.Value // of this list alone
	From     Date                   // first day; empty: always
	Replaced []string               // codes that took its place: it is no longer offered
}

func (l Listed) word() string {
	if l.Word != "" {
		return l.Word
	}
	return l.Code
}

// words are what the catalogue allows, in the order of the list.
func words(list []Listed) (out []string) {
	for _, l := range list {
		out = append(out, l.word())
	}
	return out
}

func online(yes bool) map[string]merge.Value {
	return map[string]merge.Value{"online": merge.Flag(yes)}
}

// channelList lists the channels, online ones first.
func channelList() []Listed {
	on, off := online(true), online(false)
	return []Listed{
		{Code: ChannelMarketplace, Name: "Lokapasar", English: "Marketplace", Aliases: []string{"Marketplace", "Toko daring"}, Fields: on},
		{Code: "marketplace_landing", Name: "Laman khusus lokapasar", English: "Landing page at a marketplace", Fields: on},
		{Code: "virtual_expo", Name: "Pameran virtual", English: "Virtual exhibition", Fields: on},
		{Code: "esmartikm_site", Name: "e-Smart IKM", Aliases: []string{"eSmartIKM", "esmartikm.id"}, Fields: on},
		{Code: "ekatalog", Name: "e-Katalog", Aliases: []string{"Katalog elektronik", "e-Katalog LKPP"}, Fields: on},
		{Code: "social_chat", Name: "Media sosial dan percakapan", English: "Social media and chat", Aliases: []string{"WhatsApp", "Instagram", "Facebook"}, Fields: on},
		{Code: "own_site", Name: "Situs sendiri", English: "Own web site", Aliases: []string{"Website"}, Fields: on},
		{Code: "store", Name: "Toko", English: "Shop", Aliases: []string{"Toko fisik", "Gerai"}, Fields: off},
		{Code: ChannelExhibition, Name: "Pameran", English: "Exhibition", Aliases: []string{"Bazar", "Expo"}, Fields: off},
		{Code: "reseller", Name: "Reseller", Aliases: []string{"Pengecer"}, Fields: off},
		{Code: "wholesale_order", Name: "Pesanan grosir", English: "Wholesale order", Aliases: []string{"Grosir"}, Fields: off},
		{Code: "government_offline", Name: "Belanja pemerintah (luring)", English: "Government purchase (offline)", Fields: off},
	}
}

// Channels lists every channel, online ones first.
func Channels() []string { return words(channelList()) }

// OnlineChannel reports whether sales through channel are online.
func OnlineChannel(channel string) bool { return onlineChannels()[channel] }

// onlineChannels are asked for at every sale.
var onlineChannels = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, l := range channelList() {
		out[l.Code] = string(l.Fields["online"]) == "true"
	}
	return out
})

func hosts(names ...string) map[string]merge.Value {
	return map[string]merge.Value{"hosts": merge.Encode(names)}
}

func marketplaceList() []Listed {
	return []Listed{
		{Code: "tokopedia", Name: "Tokopedia", Aliases: []string{"Tokped"}, Fields: hosts("tokopedia.com", "tokopedia.link")},
		{Code: "shopee", Name: "Shopee", Fields: hosts("shopee.co.id", "shp.ee")},
		{Code: "bukalapak", Name: "Bukalapak", Fields: hosts("bukalapak.com")},
		{Code: "blibli", Name: "Blibli", Fields: hosts("blibli.com")},
		{Code: "indotrading", Name: "Indotrading", Fields: hosts("indotrading.com")},
		{Code: "other", Name: "Lokapasar lain", English: "Another marketplace", Aliases: []string{"Lainnya"}},
	}
}

func marketplaces() []string { return words(marketplaceList()) }

// marketplaceHosts gives the hosts whose addresses fit a marketplace; none for
// one that may lie anywhere.
func marketplaceHosts(marketplace string) []string {
	for _, l := range marketplaceList() {
		if l.Code == marketplace {
			return merge.AsStrings(l.Fields["hosts"])
		}
	}
	return nil
}

func paymentList() []Listed {
	return []Listed{
		{Code: "cash", Name: "Tunai", English: "Cash"},
		{Code: "transfer", Name: "Transfer bank", English: "Bank transfer"},
		{Code: "qris", Name: "QRIS"},
		{Code: "ewallet:dana", Name: "DANA"}, {Code: "ewallet:gopay", Name: "GoPay"}, {Code: "ewallet:linkaja", Name: "LinkAja"},
		{Code: "ewallet:ovo", Name: "OVO"}, {Code: "ewallet:shopeepay", Name: "ShopeePay"},
		{Code: "marketplace_balance", Name: "Saldo lokapasar", English: "Marketplace balance"},
		{Code: "cod", Name: "Bayar di tempat", English: "Cash on delivery", Aliases: []string{"COD"}},
		{Code: "credit", Name: "Tempo", English: "Credit", Aliases: []string{"Utang"}},
	}
}

func payments() []string { return words(paymentList()) }

func categoryList() []Listed {
	return []Listed{
		{Code: "food_beverage", Name: "Makanan dan minuman", English: "Food and beverages", Aliases: []string{"Pangan", "Mamin", "Kuliner"}},
		{Code: "toys", Name: "Mainan", English: "Toys"},
		{Code: "fashion", Name: "Busana", English: "Fashion", Aliases: []string{"Fesyen"}},
		{Code: "crafts", Name: "Kerajinan", English: "Crafts", Aliases: []string{"Kriya"}},
		{Code: "machinery", Name: "Teknologi tepat guna", English: "Appropriate technology", Aliases: []string{"TTG", "Mesin"}},
		{Code: "other", Name: "Lainnya", English: "Other"},
	}
}

func categories() []string { return words(categoryList()) }

// Categories lists the words of the categories of enterprises.
func Categories() []string { return categories() }

func zoneList() []Listed {
	var out []Listed
	for _, z := range []struct {
		zone          Zone
		name, english string
	}{{WIB, "Waktu Indonesia Barat", "Western Indonesian time"}, {WITA, "Waktu Indonesia Tengah", "Central Indonesian time"},
		{WIT, "Waktu Indonesia Timur", "Eastern Indonesian time"}} {
		out = append(out, Listed{Code: z.zone.Abbreviation(), Word: string(z.zone), Name: z.name, English: z.english, Aliases: []string{string(z.zone)}})
	}
	out[0].Aliases = append(out[0].Aliases, "Asia/Pontianak")
	return out
}

func zones() []string { return words(zoneList()) }
