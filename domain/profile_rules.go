package domain

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// allowBusiness keeps verified facts from people who did not verify them, and
// a district inside its regency.
func allowBusiness(a merge.Attempt) *merge.Reject {
	if y := a.Set["founded_year"]; !merge.Null(y) && merge.AsInt(y) > int64(LastDay(a.Corrected.Time()).Year()) {
		return refuse("invalid_value", "set.founded_year")
	}
	if a.Create || a.Role == merge.Admin {
		return checkRegion(a.Set)
	}
	switch {
	case a.Set["nib"] != nil && string(a.Saw("nib_verified")) == "true" && !sameValue(a, "nib"):
		return refuse("immutable_field", "set.nib")
	case a.Set["baseline_monthly_idr"] != nil && merge.AsString(a.Saw("enrolled_at")) != "" && !sameValue(a, "baseline_monthly_idr"):
		return refuse("immutable_field", "set.baseline_monthly_idr")
	}
	return checkRegion(a.Set)
}

func checkRegion(m map[string]merge.Value) *merge.Reject {
	regency, district, village := merge.AsString(m["region_code"]), merge.AsString(m["district_code"]), merge.AsString(m["village_code"])
	if regency != "" {
		if _, err := ParseRegion(regency); err != nil {
			return &merge.Reject{Code: fault.CodeOf(err), Field: "set.region_code"}
		}
	}
	switch {
	case district != "" && !strings.HasPrefix(district, regency+"."):
		return refuse("region_mismatch", "set.district_code")
	case village != "" && (district == "" || !strings.HasPrefix(village, district+".")):
		return refuse("region_mismatch", "set.village_code")
	}
	return nil
}

// survivor is the scope of the business that this one was merged into.
func survivor(r merge.Row) string {
	if r.Text("status") != "merged_into" {
		return ""
	}
	return ScopeBusiness + "/" + r.Text("merged_into")
}

// deriveBusiness works out the zone and what a person should look at. A rule
// across fields only flags: two people may have kept one half of it each.
func deriveBusiness(_ merge.View, r merge.Row) merge.Derived {
	var flags []string
	categories := r.Strings("categories")
	if p := r.Text("primary_category"); p != "" && len(categories) > 0 && !slices.Contains(categories, p) {
		flags = append(flags, "category_mismatch")
	}
	if nib := r.Text("nib"); nib != "" && nib == r.Text("nib_taken") {
		flags = append(flags, "nib_taken")
	}
	if strayShop(r.Fields["shops"]) {
		flags = append(flags, "shop_url_mismatch")
	}
	if len(categories) > 3 {
		flags = append(flags, "too_many_categories")
	}
	d := merge.Derived{Fields: map[string]merge.Value{"zone": nil, "flags": wordsValue(flags)}}
	if z, err := Region(r.Text("region_code")).Zone(); err == nil {
		d.Fields["zone"] = merge.Str(string(z))
	}
	return d
}

// allowDevice lets an installation write its own record only.
func allowDevice(a merge.Attempt) *merge.Reject {
	if !a.Online && a.Device != a.ID {
		return refuse("forbidden", "")
	}
	return nil
}

// strayShop reports whether a shop's address lies outside its marketplace.
func strayShop(shops merge.Value) bool {
	var items map[string]struct {
		Marketplace string `json:"marketplace"`
		URL         string `json:"url"`
	}
	if json.Unmarshal(shops, &items) != nil {
		return false
	}
	for _, s := range items {
		hosts := marketplaceHosts(s.Marketplace)
		u, err := url.Parse(s.URL)
		fits := func(h string) bool { return u.Hostname() == h || strings.HasSuffix(u.Hostname(), "."+h) }
		if s.URL != "" && (err != nil || len(hosts) > 0 && !slices.ContainsFunc(hosts, fits)) {
			return true
		}
	}
	return false
}

// allowAttachment leaves caption and hiding to the uploader, and keeps evidence
// in sight for whoever has seen that its task is verified. A photo that was
// hidden meanwhile stays hidden.
func allowAttachment(a merge.Attempt) *merge.Reject {
	if a.Create {
		return nil
	}
	for _, name := range []string{"caption", "hidden"} {
		if a.Set[name] != nil && a.Role != merge.Admin && a.Before.Text("created_by") != a.Author {
			return refuse("forbidden", "set."+name)
		}
	}
	owner := objectOf(a.Saw("owner_ref"))
	if string(a.Set["hidden"]) != "true" || merge.AsString(owner["collection"]) != "task" {
		return nil
	}
	t, ok := a.Row("task", merge.AsString(owner["id"]))
	if !ok {
		return nil
	}
	seen := slices.DeleteFunc(a.Operations("task_event", t.ID), func(o merge.Row) bool { return !a.SawRow(o) })
	if TaskState(t, seen) == TaskVerified {
		return refuse("locked", "set.hidden")
	}
	return nil
}
