package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// How many businesses a mentor accompanies at the most, while no admin says otherwise.
const (
	DefaultMentorCapacity = 5
	MaxMentorCapacity     = 100
)

// MentorLanguages are the words for the languages in which a mentor can work: tags of
// BCP 47, of the national language, of English and of the regional languages that most
// people speak.
func MentorLanguages() []string {
	return []string{"id", "en", "abl", "ace", "ban", "bbc", "bew", "bjn", "bug", "gor", "jv", "ljp", "mad", "mak", "min", "mnb", "ms", "nij", "pmy", "rej", "sas", "su"}
}

// MentorProfileFields are those that an admin writes.
func MentorProfileFields() []string {
	return []string{"institution", "tracks", "regions", "capacity", "languages"}
}

// mentorProfile is what a programme knows of a mentor, in the mentor's own scope and under
// the id of the person.
func mentorProfile() *merge.Collection {
	area := merge.Type{Kind: merge.Text, Max: 5, Valid: func(s string) bool {
		_, err := ParseRegion(s)
		return err == nil && len(s) <= 5
	}}
	return &merge.Collection{
		Name: "mentor_profile", Scope: ScopeUser, Doc: "what a mentor can do and how much; one record per scope, under the id of the person; written by admins", Fields: fields(
			server("user_id", ref(""), "the person"),
			server("institution", text(2, 120), "that sends the mentor"),
			server("tracks", list(enum(tracks()...), int64(len(tracks()))), "that the mentor is sent for; absent = all"),
			server("regions", list(area, 50), "provinces and regencies or cities where the mentor works; a hint, no fence"),
			server("capacity", whole(1, MaxMentorCapacity, "businesses"), "at the most; absent = 5"),
			server("languages", list(enum(MentorLanguages()...), 20), "that the mentor speaks, as in BCP 47"),
		),
	}
}

// MentorCapacity is how many businesses a mentor accompanies at the most, by their profile.
func MentorCapacity(profile merge.Row) int {
	if n := profile.Int("capacity"); n > 0 {
		return int(n)
	}
	return DefaultMentorCapacity
}

// MentorTeaches reports whether a mentor is sent for a track; empty are all tracks, for which
// only a mentor of all is sent.
func MentorTeaches(profile merge.Row, track string) bool {
	own := profile.Strings("tracks")
	for _, t := range own {
		if t == track {
			return true
		}
	}
	return len(own) == 0
}
