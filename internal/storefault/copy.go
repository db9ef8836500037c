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
