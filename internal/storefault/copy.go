package storefault

import "maps"

// Copy is a consistent copy of the disk, as a backup makes it. The two share
// nothing that either changes.
func (p *Poor) Copy() *Poor {
	p.disk.mu.Lock()
	defer p.disk.mu.Unlock()
	d := &disk{heads: maps.Clone(p.disk.heads), scopes: make(map[string]*scope, len(p.disk.scopes)),
		claims: maps.Clone(p.disk.claims), meta: maps.Clone(p.disk.meta)}
	for name, s := range p.disk.scopes {
		d.scopes[name] = &scope{log: maps.Clone(s.log), records: maps.Clone(s.records), pages: maps.Clone(s.pages)}
	}
	return &Poor{disk: d}
}

// Copy is a consistent copy of what is stored.
func (m *MemoryIdentity) Copy() *MemoryIdentity {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &MemoryIdentity{users: maps.Clone(m.users), phones: maps.Clone(m.phones), challenges: maps.Clone(m.challenges), tallies: maps.Clone(m.tallies),
		totals: maps.Clone(m.totals), sessions: maps.Clone(m.sessions), devices: maps.Clone(m.devices), incarnations: maps.Clone(m.incarnations),
		contacts: maps.Clone(m.contacts), keys: maps.Clone(m.keys), replies: maps.Clone(m.replies), credentials: maps.Clone(m.credentials), addresses: maps.Clone(m.addresses), deliveries: maps.Clone(m.deliveries)}
}
