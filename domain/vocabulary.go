package domain

import "slices"

// Channels of a sale.
const (
	ChannelMarketplace = "marketplace"
	ChannelExhibition  = "exhibition"
)

func onlineChannels() []string {
	return []string{ChannelMarketplace, "marketplace_landing", "virtual_expo", "esmartikm_site", "ekatalog", "social_chat", "own_site"}
}

func offlineChannels() []string {
	return []string{"store", ChannelExhibition, "reseller", "wholesale_order", "government_offline"}
}

// Channels lists every channel, online ones first.
func Channels() []string { return append(onlineChannels(), offlineChannels()...) }

// OnlineChannel reports whether sales through channel are online.
func OnlineChannel(channel string) bool { return slices.Contains(onlineChannels(), channel) }

func marketplaces() []string {
	return []string{"tokopedia", "shopee", "bukalapak", "blibli", "indotrading", "other"}
}

func payments() []string {
	return []string{"cash", "transfer", "qris", "ewallet:dana", "ewallet:gopay", "ewallet:linkaja", "ewallet:ovo", "ewallet:shopeepay",
		"marketplace_balance", "cod", "credit"}
}

func categories() []string {
	return []string{"food_beverage", "toys", "fashion", "crafts", "machinery", "other"}
}

func zones() []string { return []string{string(WIB), string(WITA), string(WIT)} }

// marketplaceHosts gives the hosts whose addresses fit a marketplace; none for
// one that may lie anywhere.
func marketplaceHosts(marketplace string) []string {
	switch marketplace {
	case "tokopedia":
		return []string{"tokopedia.com", "tokopedia.link"}
	case "shopee":
		return []string{"shopee.co.id", "shp.ee"}
	case "bukalapak":
		return []string{"bukalapak.com"}
	case "blibli":
		return []string{"blibli.com"}
	case "indotrading":
		return []string{"indotrading.com"}
	}
	return nil
}
