package sim

import (
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
)

// PoorDisk is a Disk in memory that can do next to nothing: what works on it
// works on any store.
func PoorDisk() Disk { return poorDisk{storefault.NewPoor()} }

type poorDisk struct{ poor *storefault.Poor }

func (d poorDisk) Store() store.Store  { return d.poor }
func (d poorDisk) Copy() (Disk, error) { return poorDisk{d.poor.Copy()}, nil }
func (d poorDisk) Close() error        { return nil }
