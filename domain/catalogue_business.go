package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

const profileOrder = "admin > owner = staff"

const sharedOrder = "admin > mentor > owner = staff"

// business is one enterprise: its profile as owners, mentors and admins see it.
func business() *merge.Collection {
	return &merge.Collection{
		Name: "business", Scope: ScopeBusiness, Doc: "the enterprise itself; one record per scope, made by the server",
		Needs: PermEditProfile, Allow: allowBusiness, Derive: deriveBusiness, Moved: survivor, Mirror: mirrorBusiness, React: reactBusiness,
		Fields: fields(
			required(ranked("name", text(2, 120), profileOrder, ownerSide(), "name on the signboard")),
			set("brand_names", text(1, 60), 10, ownerSide(), "brands on the labels"),
			group("region",
				ranked("region_code", form(`^[0-9]{2}\.[0-9]{2}$`, 5), sharedOrder, everybody(), "regency or city, such as 18.71"),
				ranked("district_code", form(`^[0-9]{2}\.[0-9]{2}\.[0-9]{2}$`, 8), sharedOrder, everybody(), "district inside it"),
				ranked("village_code", form(`^[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}$`, 13), sharedOrder, everybody(), "village inside that")),
			latest("address", text(0, 300), ownerSide(), "street and number"),
			latest("geo", place(), ownerSide(), "only with consent"),
			server("zone", enum(zones()...), "time zone, from the province"),
			ranked("primary_category", enum(categories()...), sharedOrder, everybody(), "the one it is counted under"),
			set("categories", enum(categories()...), 3, ownerSide(), "one to three; should contain the primary one"),
			unique("nib_taken", remembered(ranked("nib", merge.Type{Kind: merge.Text, Max: 13, Valid: func(s string) bool { return CheckNIB(s) == nil }}, profileOrder, ownerSide(), "business number of 13 digits; fixed for who has seen it verified"))),
			server("nib_taken", text(1, 13), "the number, where another business had it first"),
			remembered(server("nib_verified", truth(), "checked by an admin")),
			set("kbli", merge.Type{Kind: merge.Text, Max: 5, Valid: func(s string) bool { return CheckKBLI(s) == nil }}, 20, ownerSide(), "lines of business, list of 2020"),
			latest("size_class", enum("micro", "small", "medium"), ownerSide(), "as declared"),
			latest("legal_form", enum("sole", "cv", "pt", "pt_individual", "cooperative", "other"), ownerSide(), "legal form"),
			latest("founded_year", whole(1900, 2100, "year"), ownerSide(), ""),
			latest("workers_m", whole(0, 100_000, "people"), ownerSide(), "men at work"),
			latest("workers_f", whole(0, 100_000, "people"), ownerSide(), "women at work"),
			latest("capacity", object(
				merge.Member{Name: "qty", Type: merge.Type{Kind: merge.Decimal, Min: 1}, Required: true},
				merge.Member{Name: "unit", Type: text(1, 20), Required: true},
				merge.Member{Name: "per", Type: enum("day", "week", "month"), Required: true}), ownerSide(), "what it can make"),
			remembered(ranked("baseline_monthly_idr", rupiah(0, 1_000_000_000_000), profileOrder, ownerSide(), "average of the three months before; fixed for who has seen the enrolment")),
			remembered(server("enrolled_at", instant(), "start of the first enrolment")),
			server("programme_id", ref(""), "programme it takes part in now"),
			merge.Field{Name: "shops", Policy: merge.Each, Max: 20, Doc: "online shops", Item: fields(
				latest("marketplace", enum(marketplaces()...), ownerSide(), ""),
				latest("url", form(`^https://[^\s/]+(/\S*)?$`, 300), ownerSide(), "address of the shop"),
				latest("onboarded_on", date(), ownerSide(), "first day"),
				latest("hidden", truth(), ownerSide(), "taken off the list"))},
			ranked("youth_role", enum("none", "supports", "leads"), sharedOrder, []merge.Role{merge.Owner, merge.Mentor, merge.Admin}, "part of young people"),
			latest("social_benefit", text(0, 500), ownerSide(), ""),
			latest("env_benefit", text(0, 500), ownerSide(), ""),
			latest("story", text(0, 1000), ownerSide(), ""),
			set("photos", ref("attachment"), MaxPhotos, ownerSide(), ""),
			server("status", enum("active", "merged_into", "closed"), ""),
			server("merged_into", ref(""), "the enterprise that lives on"),
			server("flags", list(text(1, 40), 10), "marks for a person: category_mismatch, nib_taken, too_many_categories, shop_url_mismatch"),
		),
	}
}

// StepMerged looks after what two enterprises that are one had apart.
const StepMerged = "follow_merger"

// reactBusiness has a merger followed. The step goes by the survivor: of effects on one record a
// commit keeps one, and a business gives up its number in that commit.
func reactBusiness(c merge.Change) []merge.Effect {
	if c.After.Text("merged_into") == "" || c.Before.Text("merged_into") != "" {
		return nil
	}
	return []merge.Effect{{Scope: c.Scope(), Collection: "business", ID: c.After.Text("merged_into"), Do: StepMerged}}
}

// membership is one window of an owner or a staff member.
func membership() *merge.Collection {
	return &merge.Collection{
		Name: "membership", Scope: ScopeBusiness, Doc: "owners and staff; managed online by an owner or an admin, windows stay after they end",
		Grant: grantMembership, Ends: []string{"to"}, Introduce: introduceMember, React: reactMembership, Fields: fields(
			server("user_id", ref(""), "the person"),
			server("name", text(0, 100), "of the person, from the profile"),
			server("phone", text(0, 20), "of an owner, from the profile"),
			server("role", enum(string(merge.Owner), string(merge.Staff)), ""),
			server("from", instant(), "first instant of the right"),
			server("to", instant(), "first instant after it; absent = open"),
			server("permissions", list(enum(permissions()...), 4), "what staff may do; owners may do everything"),
		),
	}
}

// assignment is one window of a mentor.
func assignment() *merge.Collection {
	return &merge.Collection{
		Name: "assignment", Scope: ScopeBusiness, Doc: "mentors; managed online by an admin, windows stay after they end",
		Grant: grantAssignment, Ends: []string{"to_at"}, Mirror: mirrorAssignment, Introduce: introduceMentor, React: reactAssignment, Fields: fields(
			server("mentor_id", ref(""), "the person"),
			server("name", text(0, 100), "of the person, from the profile"),
			server("phone", text(0, 20), "of the person, from the profile"),
			server("programme_id", ref(""), ""),
			server("track", enum(tracks()...), "absent = all"),
			server("lead", truth(), "named as the one who leads; of those who are in and named the longest-serving does, else of all who are in"),
			server("from_at", instant(), "first instant of the right"),
			server("to_at", instant(), "first instant after it; absent = open"),
			server("reason", text(0, 300), ""),
			server("handover_note", text(0, 2000), ""),
			server("job_id", ref(""), "hand-over of many that opened or ended it last"),
		),
	}
}

// product is what the enterprise sells. Lines of sales keep a snapshot of it.
func product() *merge.Collection {
	makers := []merge.Role{merge.Owner, merge.Staff}
	return &merge.Collection{
		Name: "product", Scope: ScopeBusiness, Doc: "goods on offer; archived, never deleted", Create: makers, Tags: tagProduct, Relate: relateProduct, Fields: fields(
			required(latest("name", text(2, 120), makers, "")),
			latest("sku", text(1, 40), makers, "own article number"),
			latest("category", enum(categories()...), makers, ""),
			latest("unit", text(1, 20), makers, "pcs, pack, kg …"),
			written("prices", latest("price_idr", rupiah(0, MaxAmount), makers, "price of one unit")),
			history("prices", rupiah(0, MaxAmount), "every price it had, newest first"),
			set("photos", ref("attachment"), MaxPhotos, makers, ""),
			latest("shelf_life_days", whole(0, 3650, "days"), makers, ""),
			server("certs", list(ref(""), 20), "facilitation cases that ended in a confirmed certificate"),
			latest("is_hero", truth(), makers, "shown first"),
			latest("archived", truth(), makers, "no longer on offer"),
		),
	}
}

// attachment is the record of a file; its bytes travel by themselves.
func attachment() *merge.Collection {
	people := []merge.Role{merge.Owner, merge.Staff, merge.Mentor}
	return &merge.Collection{
		Name: "attachment", Scope: ScopeBusiness, Doc: "photo or file: the record first, the bytes later", Create: people, Allow: allowAttachment, Fields: fields(
			required(once("sha256", form(`^[0-9a-f]{64}$`, 64), people, "of the bytes; equal sums are one stored object")),
			required(once("bytes", whole(1, MaxAttachment, "bytes"), people, "")),
			required(once("mime", enum("image/jpeg", "image/png", "image/webp", "application/pdf"), people, "")),
			once("width", whole(1, 20_000, "pixels"), people, ""),
			once("height", whole(1, 20_000, "pixels"), people, ""),
			once("owner_ref", objectRef(), people, "what it belongs to, and as what, such as a receipt"),
			once("taken_at", instant(), people, ""),
			once("geo", place(), people, "only with consent"),
			once("exif_stripped", truth(), people, "the phone took the location out"),
			latest("caption", text(0, 300), people, "by its uploader"),
			latest("hidden", truth(), people, "by its uploader, until they see that its task is verified"),
			server("upload_state", enum("local_only", "uploading", "stored", "rejected"), "absent = nothing arrived yet"),
		),
	}
}

// journal holds what lost. The resolver writes it into the scope where the
// edit lost, whatever its kind.
func journal() *merge.Collection {
	return &merge.Collection{
		Name: "journal", Scope: ScopeBusiness, Doc: "values that lost to a concurrent edit; in every scope, written by the resolver", React: reactJournal, Fields: fields(
			server("collection", text(1, 40), ""), server("record", ref(""), ""),
			server("field", text(1, 200), "field, group, list element, or deleted"),
			server("rule", text(1, 40), "policy that decided, or delete, after_restore"),
			server("lost", anything(0), "value that lost"), server("lost_by", text(0, 40), "its author"),
			server("lost_role", text(0, 20), ""), server("lost_at", instant(), "its stamp"),
			server("kept", anything(0), "value that won"), server("kept_by", text(0, 40), "its author"),
			server("kept_role", text(0, 20), ""), server("kept_at", instant(), "its stamp"),
			server("returned", truth(), "the lost value lives again by itself"),
			server("restored_by", text(0, 40), "who wrote the lost value anew"),
		),
	}
}
