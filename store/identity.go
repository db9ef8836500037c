package store

import (
	"context"
	"errors"
	"time"
)

// The three answers of a store that are no faults of the store.
var (
	ErrTaken  = errors.New("store: taken")  // a unique insert found its place occupied
	ErrStale  = errors.New("store: stale")  // a guarded update found another revision
	ErrAbsent = errors.New("store: absent") // nothing is stored there
)

// Identity keeps what is known of people, their phones and their sessions. None
// of it is domain data: it never syncs and no commit carries it.
//
// Every record stands alone. Insert stores a record that is not there yet, at
// revision 1 whatever Rev says, or answers ErrTaken. Replace stores the whole
// record at Rev+1 if the stored one still has the revision Rev, else it answers
// ErrStale and changes nothing; an absent record is stale too. A read of an
// absent record answers ErrAbsent. A write that has returned nil survives power
// loss and is seen by every later read.
//
// Instants come as clock.Clock gives them, in UTC and cut to whole
// milliseconds, and come back the same. The store has no clock of its own.
type Identity interface {
	Users
	Credentials
	Challenges
	Budgets
	Sessions
	Devices
	SigningKeys
	Replies
	Pushes

	// Sweep removes challenges, tallies, totals and replies that expired before
	// the instant, and deliveries that need not be kept so long, and tells how many they were.
	Sweep(ctx context.Context, before time.Time) (int, error)
}

// Users is the directory of people.
type Users interface {
	// InsertUser answers ErrTaken if the id, or a phone that is not empty, is
	// taken.
	InsertUser(ctx context.Context, u User) error
	// ReplaceUser answers ErrTaken if the phone belongs to another user.
	ReplaceUser(ctx context.Context, u User) error
	User(ctx context.Context, id string) (User, error)
	// UserByPhone finds the one user of an E.164 phone.
	UserByPhone(ctx context.Context, phone string) (User, error)
	// UsersChanged gives the users whose Changed is at or after the instant.
	UsersChanged(ctx context.Context, since time.Time) ([]User, error)
	// UsersAfter gives up to limit users whose id comes behind the one given, by id.
	UsersAfter(ctx context.Context, id string, limit int) ([]User, error)
}

// Credentials are what people with a password prove themselves with. There is one
// record of a user at the most, and it never goes: what it held is emptied.
type Credentials interface {
	InsertCredential(ctx context.Context, c Credential) error
	ReplaceCredential(ctx context.Context, c Credential) error
	Credential(ctx context.Context, user string) (Credential, error)
}

// Challenges are one-time codes that wait for their answer.
type Challenges interface {
	InsertChallenge(ctx context.Context, c Challenge) error
	ReplaceChallenge(ctx context.Context, c Challenge) error
	Challenge(ctx context.Context, id string) (Challenge, error)
	// LatestChallenge gives the challenge that was created last for a phone, a
	// purpose and an installation.
	LatestChallenge(ctx context.Context, phone, purpose, install string) (Challenge, error)
	// Unsent gives up to limit challenges that hold a sealed code, have not
	// expired and are not leased to a sender at the instant, oldest first.
	Unsent(ctx context.Context, now time.Time, limit int) ([]Challenge, error)
}

// Budgets count what must not happen too often.
type Budgets interface {
	InsertTally(ctx context.Context, t Tally) error
	ReplaceTally(ctx context.Context, t Tally) error
	Tally(ctx context.Context, key string) (Tally, error)
	Counters
}

// Counters are totals that several processes add to.
type Counters interface {
	// Add adds n, which may be below 0, to the total called key, which starts at 0 and may
	// be forgotten after expires. Concurrent additions all count.
	Add(ctx context.Context, key string, n int64, expires time.Time) error
	// Totals gives the totals of keys in their order, 0 for an absent one.
	Totals(ctx context.Context, keys []string) ([]int64, error)
}

// Sessions are logins of a user on a device.
type Sessions interface {
	InsertSession(ctx context.Context, s Session) error
	ReplaceSession(ctx context.Context, s Session) error
	Session(ctx context.Context, id string) (Session, error)
	// SessionsOf gives every session of the user, newest first.
	SessionsOf(ctx context.Context, user string) ([]Session, error)
	// SessionsRevoked gives the sessions revoked at or after the instant.
	SessionsRevoked(ctx context.Context, since time.Time) ([]Session, error)
}

// Devices are app installations, and the names under which they push.
type Devices interface {
	InsertDevice(ctx context.Context, d Device) error
	ReplaceDevice(ctx context.Context, d Device) error
	Device(ctx context.Context, id string) (Device, error)
	// DevicesOf gives every device of the user, newest first.
	DevicesOf(ctx context.Context, user string) ([]Device, error)

	// InsertIncarnation answers ErrTaken if the name was ever used, by
	// whomever. An incarnation never changes and never goes.
	InsertIncarnation(ctx context.Context, i Incarnation) error
	Incarnation(ctx context.Context, name string) (Incarnation, error)

	// SaveContacts keeps each contact unless a later one of the same device is
	// kept already. It is not atomic over several devices.
	SaveContacts(ctx context.Context, contacts []Contact) error
	// Contacts gives the contacts of the devices that have one, in no order.
	Contacts(ctx context.Context, devices []string) ([]Contact, error)
}

// SigningKeys are the keys that sign access tokens.
type SigningKeys interface {
	// InsertSigningKey answers ErrTaken if the number or the name is taken.
	InsertSigningKey(ctx context.Context, k SigningKey) error
	ReplaceSigningKey(ctx context.Context, k SigningKey) error
	// SigningKeys gives every key, lowest number first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// DropSigningKey forgets the key; an absent one is no error.
	DropSigningKey(ctx context.Context, kid string) error
}

// Replies remember answers by idempotency key.
type Replies interface {
	InsertReply(ctx context.Context, r Reply) error
	ReplaceReply(ctx context.Context, r Reply) error
	Reply(ctx context.Context, key string) (Reply, error)
	// DropReply forgets the reply if it has the revision; another revision and
	// an absent reply are no errors.
	DropReply(ctx context.Context, key string, rev int64) error
}

// UserStatus is where a user stands in the directory.
type UserStatus string

// The statuses of a user. Invited has never logged in; erased keeps its id and
// nothing else.
const (
	UserInvited   UserStatus = "invited"
	UserActive    UserStatus = "active"
	UserSuspended UserStatus = "suspended"
	UserErased    UserStatus = "erased"
)

// User is one person in the directory.
type User struct {
	ID       string     `json:"id,omitzero"`
	Phone    string     `json:"phone,omitzero"`    // E.164; empty once erased
	Roles    []string   `json:"roles,omitzero"`    // system-wide: "mentor", "admin", "regional_admin"; sorted
	Regions  []string   `json:"regions,omitzero"`  // provinces of a regional admin; sorted
	Approval string     `json:"approval,omitzero"` // id of the approval, or name of the request, that changed the rights last
	Status   UserStatus `json:"status,omitzero"`
	Ver      int64      `json:"ver,omitzero"`     // raised when rights change: tokens with a lower one are void
	Changed  time.Time  `json:"changed,omitzero"` // when Ver was raised last
	Created  time.Time  `json:"created,omitzero"`
	Profiled bool       `json:"profiled,omitzero"` // the app has written the user's profile
	Attested time.Time  `json:"attested,omitzero"` // until then somebody vouches that the number is still the same person's
	Attester string     `json:"attester,omitzero"` // user id of who vouches
	Rev      int64      `json:"-"`
}

// Credential is a password and a second factor. Neither can be read from it: the
// password is hashed, the secret of the second factor is encrypted, codes and tokens
// are keyed digests.
type Credential struct {
	User         string         `json:"user,omitzero"`          // id
	Password     string         `json:"password,omitzero"`      // argon2id in PHC text; empty until it is set
	Secret       []byte         `json:"secret,omitzero"`        // of the one-time codes (TOTP), encrypted; empty until it is set
	Step         int64          `json:"step,omitzero"`          // the newest step whose code was taken: no code up to it is taken again
	Recovery     []RecoveryCode `json:"recovery,omitzero"`      // instead of a code, once each
	Confirmed    time.Time      `json:"confirmed,omitzero"`     // when a first code was shown; zero: nobody logs in with this yet
	Setup        []byte         `json:"setup,omitzero"`         // digest of the token that may set both; empty for none
	SetupExpires time.Time      `json:"setup_expires,omitzero"` // the token is good until then
	Changed      time.Time      `json:"changed,omitzero"`       // of the password
	Rev          int64          `json:"-"`
}

// RecoveryCode stands in for the second factor once.
type RecoveryCode struct {
	Digest []byte    `json:"digest,omitzero"`
	Used   time.Time `json:"used,omitzero"` // zero while it is unused
}

// Challenge is a one-time code on its way and back.
type Challenge struct {
	ID       string    `json:"id,omitzero"`
	Phone    string    `json:"phone,omitzero"` // E.164
	Purpose  string    `json:"purpose,omitzero"`
	Install  string    `json:"install,omitzero"` // the installation that asked; may be empty
	Digest   []byte    `json:"digest,omitzero"`  // keyed digest of the code; empty for a challenge that nothing solves
	Sealed   []byte    `json:"sealed,omitzero"`  // the code, encrypted, until it has been sent
	Leased   time.Time `json:"leased,omitzero"`  // a sender works on it until then
	Created  time.Time `json:"created,omitzero"`
	Resend   time.Time `json:"resend,omitzero"` // another code may be asked for from then on
	Expires  time.Time `json:"expires,omitzero"`
	Attempts int       `json:"attempts,omitzero"`
	Consumed time.Time `json:"consumed,omitzero"` // zero while the code is unused
	Rev      int64     `json:"-"`
}

// Mark says that something happened N times, the last time at At.
type Mark struct {
	At time.Time `json:"at,omitzero"`
	N  int       `json:"n,omitzero"`
}

// Tally is the recent history of one phone, address or device.
type Tally struct {
	Key     string    `json:"key,omitzero"`
	Marks   []Mark    `json:"marks,omitzero"`  // oldest first
	Locked  time.Time `json:"locked,omitzero"` // nothing is allowed until then
	Expires time.Time `json:"expires,omitzero"`
	Rev     int64     `json:"-"`
}

// Session is one login of a user on a device.
type Session struct {
	ID      string        `json:"id,omitzero"`
	User    string        `json:"user,omitzero"`
	Device  string        `json:"device,omitzero"`
	Key     []byte        `json:"key,omitzero"`     // encrypted key of the refresh tokens
	Counter int64         `json:"counter,omitzero"` // of the newest refresh token
	Methods []string      `json:"methods,omitzero"` // how the person proved who they are (amr)
	Proven  time.Time     `json:"proven,omitzero"`  // when a second factor was shown last; zero if none was
	Created time.Time     `json:"created,omitzero"`
	Used    time.Time     `json:"used,omitzero"`    // last refresh
	Idle    time.Duration `json:"idle,omitzero"`    // ends that long after Used
	Ends    time.Time     `json:"ends,omitzero"`    // ends then in any case
	Revoked time.Time     `json:"revoked,omitzero"` // zero while it lives
	Reason  string        `json:"reason,omitzero"`  // why it was revoked
	Rev     int64         `json:"-"`
}

// DeviceStatus tells whether a device may be used.
type DeviceStatus string

// The statuses of a device.
const (
	DeviceActive  DeviceStatus = "active"
	DeviceRevoked DeviceStatus = "revoked"
	DeviceLost    DeviceStatus = "lost"
)

// Device is one installation of the app, as used by one user.
type Device struct {
	ID          string       `json:"id,omitzero"`
	User        string       `json:"user,omitzero"`
	Install     string       `json:"install,omitzero"` // UUID made by the app at its first start
	Platform    string       `json:"platform,omitzero"`
	Model       string       `json:"model,omitzero"`
	OSVersion   string       `json:"os_version,omitzero"`
	AppVersion  string       `json:"app_version,omitzero"`
	Incarnation string       `json:"incarnation,omitzero"` // the newest one
	Status      DeviceStatus `json:"status,omitzero"`
	Created     time.Time    `json:"created,omitzero"`
	Login       time.Time    `json:"login,omitzero"` // last login
	Rev         int64        `json:"-"`
}

// Incarnation is a name under which one user pushes from one device.
type Incarnation struct {
	Name    string    `json:"name,omitzero"`
	User    string    `json:"user,omitzero"`
	Device  string    `json:"device,omitzero"`
	Created time.Time `json:"created,omitzero"`
}

// Contact is how a device stood when it was last heard of.
type Contact struct {
	Device       string    `json:"device,omitzero"`
	At           time.Time `json:"at,omitzero"`
	OldestUnsent time.Time `json:"oldest_unsent,omitzero"` // zero if nothing waits
	Unsent       int       `json:"unsent,omitzero"`
}

// SigningKey is one key for access tokens.
type SigningKey struct {
	KID      string    `json:"kid,omitzero"`
	Number   int64     `json:"number,omitzero"` // 1, 2, 3 … in the order of publication
	Sealed   []byte    `json:"sealed,omitzero"` // PKCS #8 DER, encrypted
	Created  time.Time `json:"created,omitzero"`
	SignFrom time.Time `json:"sign_from,omitzero"` // zero for a key that is published and not yet in use
	Rev      int64     `json:"-"`
}

// Reply is the answer to a request with an idempotency key.
type Reply struct {
	Key      string            `json:"key,omitzero"`       // user, route and key, joined so that they cannot be confused
	BodyHash []byte            `json:"body_hash,omitzero"` // of the request
	Status   int               `json:"status,omitzero"`    // 0 while the first request is at work
	Header   map[string]string `json:"header,omitzero"`
	Body     []byte            `json:"body,omitzero"`
	Expires  time.Time         `json:"expires,omitzero"`
	Rev      int64             `json:"-"`
}
