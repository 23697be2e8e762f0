package signin

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARequestsNetworkIsWhatOurProxiesSawAndNotWhatTheCallerWrote(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ name, remote, forwarded, want string }{
		{"without a proxy", "192.0.2.77:5000", "", "192.0.2.0/24"},
		{"a header from outside", "192.0.2.77:5000", "198.51.100.1", "192.0.2.0/24"},
		{"through a proxy", "10.0.0.1:5000", "198.51.100.1", "198.51.100.0/24"},
		{"through two", "10.0.0.1:5000", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.0/24"},
		{"with a port", "10.0.0.1:5000", "198.51.100.1:4711", "198.51.100.0/24"},
		{"IPv6 with a port", "10.0.0.1:5000", "[2001:db8:1:2::3]:4711", "2001:db8:1::/48"},
		{"IPv6 in brackets", "10.0.0.1:5000", "[2001:db8:1:2::3]", "2001:db8:1::/48"},
		{"IPv6", "[fd00::1]:5000", "2001:db8:1:2::3", "2001:db8:1::/48"},
		{"IPv4 as IPv6", "[::ffff:192.0.2.77]:5000", "", "192.0.2.0/24"},
		{"a zone", "[fe80::1%eth0]:5000", "", "fe80::/48"},
		{"nonsense before the proxy", "10.0.0.1:5000", "198.51.100.1, unknown", "10.0.0.0/24"},
		{"a proxy that says nothing", "10.0.0.1:5000", "", "10.0.0.0/24"},
		{"no address", "pipe", "198.51.100.1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			require.Equal(t, c.want, networkOf(r, proxies))
		})
	}
}
