package webpush

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Resolver finds the addresses of a name; *net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// errInside says that an endpoint leads to a machine that nobody outside may have us ask.
var errInside = errors.New("the endpoint leads inside")

// guard dials endpoints that strangers have named. It looks the name up itself, holds every
// address that comes back against the rules, and dials what it has checked: a name cannot be
// one address when it is looked at and another when it is dialled.
type guard struct {
	resolver Resolver
	loopback bool // tests let this machine in, on any port
	within   time.Duration
}

// DialContext connects to host:port for a transport.
//
// Errors: errInside, wrapped, where the host is none that may be asked.
func (g guard) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: no host and port", errInside)
	}
	if port != httpsPort && !g.loopback {
		return nil, fmt.Errorf("%w: another port than %s", errInside, httpsPort)
	}
	ctx, stop := context.WithTimeout(ctx, g.within)
	defer stop()
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	errs := make([]error, 0, len(addrs))
	for _, a := range addrs {
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// resolve gives the addresses of a host. A name that has an address inside beside one
// outside is refused whole: nobody honest has such a name.
func (g guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs := make([]netip.Addr, 0, 1)
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, a)
	} else if addrs, err = g.resolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, fmt.Errorf("look the endpoint up: %w", err)
	}
	if len(addrs) == 0 {
		return nil, errors.New("the endpoint has no address")
	}
	for i, a := range addrs {
		if !g.may(a) {
			return nil, errInside
		}
		addrs[i] = a.Unmap()
	}
	return addrs, nil
}

// may reports whether an address may be dialled.
func (g guard) may(a netip.Addr) bool {
	if g.loopback && a.Unmap().IsLoopback() {
		return true
	}
	return public(a)
}

// public reports whether an address belongs to a machine of the open internet. Of IPv6
// that is what is given out (2000::/3), without the forms that carry an IPv4 address or are
// set apart; of IPv4 everything that is not set apart.
func public(a netip.Addr) bool {
	a = a.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) {
		return false
	}
	for _, p := range setApart() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// setApart are networks that look public and are not: of the registries of special
// addresses (RFC 6890 and its followers), and what clouds answer their own machines on.
func setApart() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", // this network; shared by carriers (and metadata of Alibaba)
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", // measurements, documentation, the future
		"168.63.129.16/32",                                     // metadata of Azure
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", // Teredo and other protocols, documentation, 6to4
		"2620:4f:8000::/48",
	} {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}
