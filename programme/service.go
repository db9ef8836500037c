// Package programme holds the use cases above the engine that are done online:
// enterprises and their people, mentors and their assignments, and what admins
// look after. Every change is a commit of the engine, so that phones hear of it
// without further code; rights are asked inside that commit.
package programme

import (
	"context"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
)

// Directory is what the service asks about people; auth.Service knows it.
type Directory interface {
	// User gives a user by id, or NotFound "not_found".
	User(ctx context.Context, user string) (store.User, error)
	// InviteByPhone gives the id of the user of a phone, made if there is none.
	InviteByPhone(ctx context.Context, phone string) (string, error)
	// Health gives the devices of users and how they stand.
	Health(ctx context.Context, users ...string) ([]auth.DeviceHealth, error)
	// Attest notes that by vouches for the number of user until an instant.
	Attest(ctx context.Context, by, user string, until time.Time) error
}

// Service carries out the use cases. Fill the fields and use it; it is safe for
// concurrent use.
type Service struct {
	Engine *syncer.Engine
	People Directory
	Clock  clock.Clock
	IDs    id.Maker
}
