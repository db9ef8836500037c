package replica

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Local is the phone's own database: byte strings under text keys in named
// buckets. An update is one transaction: all of it is durable when Update
// returns nil, and nothing of it otherwise.
type Local interface {
	// View reads. do must not keep what it was given.
	View(do func(Reader) error) error
	// Update reads and writes. An error of do, or a panic, undoes everything.
	Update(do func(Writer) error) error
	Close() error
}

// Reader reads buckets.
type Reader interface {
	// Get gives nil for what is not there.
	Get(bucket, key string) []byte
	// Scan calls visit for every key with the prefix, in order, until it says
	// no. visit must not write.
	Scan(bucket, prefix string, visit func(key string, value []byte) bool)
}

// Writer reads and writes buckets; reads see the writes before them.
type Writer interface {
	Reader
	Put(bucket, key string, value []byte)
	Delete(bucket, key string)
}

// Memory is a Local without a file, for tests, simulations and throw-away
// clients. Its zero value is empty and ready.
type Memory struct {
	mu      sync.Mutex
	buckets map[string]map[string][]byte
}

// View implements Local.
func (m *Memory) View(do func(Reader) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return do(&memoryTx{m: m})
}

// Update implements Local.
func (m *Memory) Update(do func(Writer) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{m: m}
	kept := false
	defer func() { // a panic undoes everything too
		if !kept {
			tx.undo()
		}
	}()
	err := do(tx)
	kept = err == nil
	return err
}

// Close implements Local.
func (m *Memory) Close() error { return nil }

// Clone copies the database, as a backup of the phone would.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &Memory{buckets: map[string]map[string][]byte{}}
	for name, b := range m.buckets {
		c.buckets[name] = maps.Clone(b) // values are never written in place
	}
	return c
}

type memoryTx struct {
	m   *Memory
	log []func()
}

func (t *memoryTx) Get(bucket, key string) []byte { return t.m.buckets[bucket][key] }

func (t *memoryTx) Scan(bucket, prefix string, visit func(string, []byte) bool) {
	b := t.m.buckets[bucket]
	keys := make([]string, 0, len(b))
	for k := range b {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !visit(k, b[k]) {
			return
		}
	}
}

func (t *memoryTx) Put(bucket, key string, value []byte) {
	t.remember(bucket, key)
	if t.m.buckets == nil {
		t.m.buckets = map[string]map[string][]byte{}
	}
	if t.m.buckets[bucket] == nil {
		t.m.buckets[bucket] = map[string][]byte{}
	}
	t.m.buckets[bucket][key] = bytes.Clone(value)
}

func (t *memoryTx) Delete(bucket, key string) {
	t.remember(bucket, key)
	delete(t.m.buckets[bucket], key)
}

func (t *memoryTx) remember(bucket, key string) {
	old, had := t.m.buckets[bucket][key]
	t.log = append(t.log, func() {
		if had {
			t.m.buckets[bucket][key] = old
		} else {
			delete(t.m.buckets[bucket], key)
		}
	})
}

func (t *memoryTx) undo() {
	for _, back := range slices.Backward(t.log) {
		back()
	}
}
