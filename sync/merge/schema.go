package merge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Role is what a person is in a scope at an instant.
type Role string

// The roles of the field. Self is a person in the own user scope; System is the
// server acting for nobody.
const (
	Owner  Role = "owner"
	Staff  Role = "staff"
	Mentor Role = "mentor"
	Admin  Role = "admin"
	Self   Role = "self"
	System Role = "system"
	// Curator looks at files of people who applied, in a scope of their own.
	Curator Role = "curator"
)

// Policy says which of several heads of a slot is the value.
type Policy uint8

// The policies of sync.md section 4. Server is the zero value, so that a field
// whose policy was forgotten cannot be written by a client.
const (
	Server    Policy = iota // no client writes it
	Latest                  // greatest (stamp, mutation)
	Once                    // the first committed
	Authority               // greatest (rank, stamp, mutation)
	Set                     // per element: present if an add is undominated
	Each                    // a keyed list: every item's field is a field of its own
	Earliest                // minimum of all writes
	LatestOf                // maximum of all writes
)

// String is the word that the catalogue prints.
func (p Policy) String() string {
	return [...]string{"server", "latest", "once", "authority", "set", "each", "earliest", "latest-of"}[p]
}

// Field is one field of a collection.
type Field struct {
	Name     string
	Type     Type
	Policy   Policy
	Ranks    Ranks    // Authority: who outranks whom
	Group    string   // fields of one group are one slot; "" = a slot of its own
	Write    []Role   // who may write it; System always may
	Required bool     // must be in a create, and can never be cleared
	Max      int      // Set and Each: most elements or items
	Item     []Field  // Each: the fields of an item
	Remember bool     // rules ask what an author had seen of it, so its history is kept; for facts that seldom change, in no group
	Unique   string   // one scope at a time may hold the value; names the server field that receives it where another one was first
	History  string   // names the server field that lists every value written, newest first; for a field in no group
	Doc      string   // one line for people
	Unit     string   // overrides Type.Unit in the catalogue; may be empty
	Since    int      // the schema version that brought it; 0 and 1: the first
	Options  []string // free words for the catalogue, such as section numbers
}

// Ranks orders roles for Authority; a role that is absent ranks lowest.
type Ranks map[Role]int

// Rank reads an order such as "admin > mentor > owner = staff". System stands
// above everybody.
func Rank(order string) Ranks {
	r := Ranks{System: 1 << 20}
	steps := strings.Split(order, ">")
	for i, step := range steps {
		for role := range strings.SplitSeq(step, "=") {
			r[Role(strings.TrimSpace(role))] = len(steps) - i
		}
	}
	return r
}

// DeletePolicy says what a delete does against an edit that had not seen it.
type DeletePolicy uint8

// The delete policies. Never is the zero value: nothing is deletable by mistake.
const (
	Never      DeletePolicy = iota // a delete is rejected: not_deletable
	Keep                           // an edit that had not seen the delete keeps the record alive
	DeleteWins                     // the edit is superseded and journalled
)

// String is the word that the catalogue prints.
func (d DeletePolicy) String() string { return [...]string{"never", "keep", "delete"}[d] }

// Collection is one kind of record: its fields, rights and rules.
type Collection struct {
	Name      string
	Scope     string // the kind of scope it lives in: "business", "user", …
	Doc       string
	Since     int // the schema version that brought it; 0 and 1: the first
	Fields    []Field
	Create    []Role       // who may create; System always may
	Delete    []Role       // who may delete and undelete
	OnDelete  DeletePolicy // what wins
	Immutable bool         // same id with other content is id_reuse
	Needs     string       // permission that staff must hold to write here; "" = none

	// Parent is the collection whose state is replayed from these records, and
	// ParentField the field that holds the parent's id. Such records are
	// operations: they carry "seen" and "from".
	Parent, ParentField string

	// Ignore names fields that are left out of an edit and reported, as server
	// fields are. May be nil.
	Ignore func(Attempt) []string
	// Allow refuses an edit that rights by field do not catch. May be nil.
	Allow func(Attempt) *Reject
	// Judge refuses an operation that its author could not make from the state
	// on the screen. Only for operations; may be nil.
	Judge func(Judgement) *Reject
	// Derive computes server fields from the record and its operations.
	Derive func(View, Row) Derived
	// Tags are the words under which other records find this one; they are a
	// function of the row after Derive. Two records that share a tag are
	// related. May be nil.
	Tags func(Row) []string
	// Relate computes server fields from related records, reading nothing of
	// them that Relate itself wrote. May be nil.
	Relate func(View, Row) map[string]Value
	// Grant reads an access window from the record. May be nil.
	Grant func(Row) (Grant, bool)
	// Introduce is what a window says of its person, from their profile; null where
	// the profile says nothing. May be nil.
	Introduce func(window, profile Row) map[string]Value
	// Ends are the fields of a window that say when it ends; none for a window
	// that mirrors another one.
	Ends []string
	// Moved names the scope that this record says its own was merged into, or "".
	// May be nil.
	Moved func(Row) string
	// React names what a change causes in other scopes. May be nil.
	React func(Change) []Effect
	// Mirror names the records of other scopes that repeat what this one says.
	// Unlike what React names, they follow a record that was taken over too, and
	// one in a scope that was merged away. May be nil.
	Mirror func(Change) []Effect

	fields   map[string]*Field
	groups   map[string][]*Field
	declared []Field // as the table says, without what every record carries
	newest   int     // the newest version that it has something of
}

// Schema is the whole catalogue, ready for use.
type Schema struct {
	Version     int // the newest client schema that this server reads
	Collections []*Collection
	// Shared are the scopes that everybody who is logged in reads and no phone
	// writes. Their heads carry no list.
	Shared []string
	// Sources names, for kinds of scopes whose windows repeat those of another
	// scope, under their ids, the kind of that one. Both have the same name behind
	// the slash.
	Sources map[string]string
	// Roots names, for kinds of scopes, the collection of the record that has the name
	// of its scope. It only spares a question: many rules look at that record.
	Roots map[string]string
	// Whole names the kinds of scopes whose logs are kept to their beginning, so that
	// every record in them is held against the chain for ever.
	Whole []string
	// Refused names what a refusal causes besides its quarantine record. May be
	// nil.
	Refused func(Refusal) []Effect
	byName  map[string]*Collection
}

// The fields that every record carries, written by the server at its creation,
// and those that every operation carries on top.
func envelope(operation bool) []Field {
	f := []Field{
		{Name: "created_by", Type: Type{Kind: Text}, Doc: "user who made it"},
		{Name: "created_device", Type: Type{Kind: Text}, Doc: "device that made it"},
		{Name: "created_at", Type: Type{Kind: Instant}, Doc: "when it was made, by the corrected clock"},
		{Name: "received_at", Type: Type{Kind: Instant}, Doc: "when the server committed it"},
		{Name: "review", Type: Type{Kind: List, Max: 8, Of: &Type{Kind: Text}}, Doc: "marks for a person to look at: late_handover, time_low, after_restore"},
	}
	if operation {
		f = append(f,
			Field{Name: "role", Type: Type{Kind: Text}, Doc: "the author's role at the edit"},
			Field{Name: "stamp", Type: Type{Kind: Int}, Doc: "ms since 1970, decides between equals"},
			Field{Name: "outcome", Type: Type{Kind: Enum, Enum: []string{"effective", "absorbed", "proposed", "superseded"}}, Doc: "what became of it; recomputed by every replay"})
	}
	return f
}

// operationFields are written by the author of an operation, beside the fields
// that the collection declares.
func operationFields(writers []Role) []Field {
	return []Field{
		{Name: "seen", Type: Type{Kind: List, Max: 200, Of: &Type{Kind: Reference}}, Policy: Once, Write: writers, Required: true,
			Doc: "operations on the author's screen: stored heads and every own pending one"},
		{Name: "from", Type: Type{Kind: Text, Max: 40}, Policy: Once, Write: writers, Doc: "the state on the author's screen"},
	}
}

// NewSchema makes a schema from tables and refuses tables that break a rule of
// the house: unknown names, a group with two policies, a rule that would tie
// two groups together.
func NewSchema(version int, collections ...*Collection) (*Schema, error) {
	s := &Schema{Version: version, Collections: collections, byName: map[string]*Collection{}}
	for _, c := range collections {
		if s.byName[c.Name] != nil {
			return nil, fmt.Errorf("collection %s is declared twice", c.Name)
		}
		s.byName[c.Name] = c
		if err := c.prepare(); err != nil {
			return nil, fmt.Errorf("collection %s: %w", c.Name, err)
		}
		if c.newest > version {
			return nil, fmt.Errorf("collection %s has something of version %d, the schema is version %d", c.Name, c.newest, version)
		}
	}
	for _, c := range collections {
		if c.Parent != "" && s.byName[c.Parent] == nil {
			return nil, fmt.Errorf("collection %s: unknown parent %s", c.Name, c.Parent)
		}
		for _, f := range c.Fields {
			if f.Type.Kind == Reference && f.Type.To != "" && s.byName[f.Type.To] == nil {
				return nil, fmt.Errorf("collection %s: field %s refers to unknown %s", c.Name, f.Name, f.Type.To)
			}
		}
	}
	return s, nil
}

func (c *Collection) prepare() error {
	if c.fields != nil {
		return nil // shared between two schemas
	}
	operation := c.Parent != ""
	c.declared = c.Fields
	if operation {
		c.Fields = append(slices.Clone(c.Fields), operationFields(c.Create)...)
	}
	c.Fields = append(slices.Clone(c.Fields), envelope(operation)...)
	c.fields, c.groups = map[string]*Field{}, map[string][]*Field{}
	for i := range c.Fields {
		f := &c.Fields[i]
		if c.fields[f.Name] != nil {
			return fmt.Errorf("field %s is declared twice", f.Name)
		}
		if strings.ContainsAny(f.Name, "/$. ") || f.Name == "" {
			return fmt.Errorf("field name %q is not allowed", f.Name)
		}
		if err := f.check(); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		c.fields[f.Name] = f
		if f.Group != "" {
			c.groups[f.Group] = append(c.groups[f.Group], f)
		}
	}
	for name, members := range c.groups {
		if c.fields[name] != nil {
			return fmt.Errorf("group %s has the name of a field", name)
		}
		first := members[0]
		for _, m := range members {
			if m.Policy != first.Policy || !slices.Equal(m.Write, first.Write) || !maps.Equal(m.Ranks, first.Ranks) {
				return fmt.Errorf("members of group %s differ in policy or rights", name)
			}
		}
	}
	for _, f := range c.Fields {
		if taken := c.fields[f.Unique]; f.Unique != "" && (taken == nil || taken.Policy != Server || f.Type.Kind != Text || taken.Type.Kind != Text) {
			return fmt.Errorf("field %s: unique wants a text and a server field of texts to mark it in", f.Name)
		}
	}
	for _, f := range c.Fields {
		if all := c.fields[f.History]; f.History != "" && (all == nil || all.Policy != Server || all.Type.Kind != List || f.Group != "") {
			return fmt.Errorf("field %s: history wants a server field with a list, and no group", f.Name)
		}
	}
	if operation && (c.fields[c.ParentField] == nil || !c.Immutable) {
		return fmt.Errorf("operations need a parent field and must be immutable")
	}
	return c.grow()
}

func (f *Field) check() error {
	switch f.Policy {
	case Authority:
		if len(f.Ranks) == 0 {
			return fmt.Errorf("authority without ranks")
		}
	case Set:
		if k := f.Type.Kind; k != Text && k != Enum && k != Reference {
			return fmt.Errorf("a set holds texts")
		}
	case Each:
		if len(f.Item) == 0 {
			return fmt.Errorf("a keyed list needs item fields")
		}
		for i := range f.Item {
			if p := f.Item[i].Policy; p == Set || p == Each {
				return fmt.Errorf("item field %s: no sets or lists inside an item", f.Item[i].Name)
			}
		}
	case Earliest, LatestOf:
		if k := f.Type.Kind; k != Int && k != Date && k != Instant {
			return fmt.Errorf("a monotone register holds numbers, dates or instants")
		}
	}
	if f.Policy != Server && len(f.Write) == 0 && f.Policy != Each {
		return fmt.Errorf("nobody may write it")
	}
	return nil
}

// Root names the record that is a scope's own, if its kind has one.
func (s *Schema) Root(scope string) (k Key, ok bool) {
	kind, name, _ := cut(scope)
	collection := s.Roots[kind]
	return Key{collection, name}, collection != ""
}

// Collection finds a collection by name.
func (s *Schema) Collection(name string) (*Collection, bool) {
	c, ok := s.byName[name]
	return c, ok
}

// Field finds a field by name.
func (c *Collection) Field(name string) (*Field, bool) {
	f, ok := c.fields[name]
	return f, ok
}

// Group gives the members of a group, in the order of the table.
func (c *Collection) Group(name string) []*Field { return c.groups[name] }

// Children gives the collections whose records are operations on c.
func (s *Schema) Children(c *Collection) []*Collection {
	var out []*Collection
	for _, k := range s.Collections {
		if k.Parent == c.Name {
			out = append(out, k)
		}
	}
	return out
}

// ScopeKind is the part of a scope's name before the first slash.
func ScopeKind(scope string) string {
	kind, _, _ := strings.Cut(scope, "/")
	return kind
}

// Item field lookup inside a keyed list.
func (f *Field) item(name string) *Field {
	for i := range f.Item {
		if f.Item[i].Name == name {
			return &f.Item[i]
		}
	}
	return nil
}
