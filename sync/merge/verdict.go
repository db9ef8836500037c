package merge

// Outcome is the final word on a mutation.
type Outcome string

// The verdicts, and the three answers that are none: nothing was stored for
// those, and the phone sends again.
const (
	Applied    Outcome = "applied"
	Merged     Outcome = "merged"     // some fields lost to concurrent edits
	Superseded Outcome = "superseded" // all fields did
	Rejected   Outcome = "rejected"

	Again         Outcome = "again"
	Rekey         Outcome = "rekey"
	OwnerMismatch Outcome = "owner_mismatch"
)

// Final reports whether o is a verdict.
func (o Outcome) Final() bool {
	return o == Applied || o == Merged || o == Superseded || o == Rejected
}

// Reject is why a mutation was refused.
type Reject struct {
	Code  string // key of the message catalogue
	Field string // path in the mutation; may be empty
}

func reject(code, field string) *Reject { return &Reject{Code: code, Field: field} }

// Verdict is what a mutation became. It never changes once it is committed.
type Verdict struct {
	Outcome    Outcome  `json:"o"`
	Code       string   `json:"c,omitempty"`
	Field      string   `json:"f,omitempty"`
	Lost       []string `json:"l,omitempty"` // slots that lost
	Ignored    []string `json:"i,omitempty"` // server fields that were left out
	Journal    []string `json:"j,omitempty"` // entries made for it
	Quarantine string   `json:"q,omitempty"` // record in the author's own scope
}
