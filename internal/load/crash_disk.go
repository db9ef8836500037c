package load

import (
	"context"
	"io"
)

// Trouble is one thing that a disk can do.
type Trouble struct{}

func (t Trouble) Verdict() error  { return nil }
func (t Trouble) Print(io.Writer) {}

func troubles(ctx context.Context, p CrashPlan) ([]Trouble, error) { return nil, nil }
