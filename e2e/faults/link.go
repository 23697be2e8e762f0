package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// link is the only way from the worker to both servers: two relays of the harness, and before them, where the machine allows it, a
// network namespace of the worker's own. Cut, nothing goes through, and nobody is told.
type link struct {
	DatabaseURL string // through the link
	Temporal    string
	Command     []string // goes before the worker's own
	Namespace   string   // empty: the machine allows none, the relays themselves are cut

	listeners []net.Listener
	mu        sync.Mutex
	open      *sync.Cond
	isCut     bool
}

// sides are the two ends of a pair, of four addresses in the network for benchmarks (198.18.0.0/15) that no other process's harness takes.
func sides(pid int) (host, worker string) {
	n := uint32(pid%(1<<15)) * 4
	at := func(i uint32) string {
		return netip.AddrFrom4([4]byte{198, 18 + byte((n+i)>>16), byte((n + i) >> 8), byte(n + i)}).String()
	}
	return at(1), at(2)
}

// newLink makes a link to both servers.
func newLink(databaseURL, temporal string, name string) (*link, error) {
	l := &link{}
	l.prepare()
	address := "127.0.0.1"
	if hostSide, workerSide := sides(os.Getpid()); l.namespace(name, hostSide, workerSide) == nil {
		address, l.Namespace, l.Command = hostSide, name, []string{"ip", "netns", "exec", name}
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil, err
	}
	if u.Host, err = l.relay(address, u.Host); err == nil {
		l.DatabaseURL = u.String()
		l.Temporal, err = l.relay(address, temporal)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *link) prepare() { l.open = sync.NewCond(&l.mu) }

// namespace makes a network namespace whose one way out ends here.
func (l *link) namespace(name, hostSide, workerSide string) error {
	for _, line := range []string{
		"netns add " + name,
		"link add " + name + "h type veth peer name " + name + "w",
		"link set " + name + "w netns " + name,
		"addr add " + hostSide + "/30 dev " + name + "h",
		"link set " + name + "h up",
		"netns exec " + name + " ip addr add " + workerSide + "/30 dev " + name + "w",
		"netns exec " + name + " ip link set " + name + "w up",
		"netns exec " + name + " ip link set lo up",
	} {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			dropNamespace(name)
			return fmt.Errorf("ip %s: %w: %s", line, err, out)
		}
	}
	return nil
}

func dropNamespace(name string) {
	_ = exec.Command("ip", "link", "del", name+"h").Run() // half of it may be there
	_ = exec.Command("ip", "netns", "del", name).Run()
}

// relay passes on what comes to an address of its own.
func (l *link) relay(address, to string) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return "", err
	}
	l.listeners = append(l.listeners, listener)
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go l.pass(from, to)
		}
	}()
	return listener.Addr().String(), nil
}

func (l *link) pass(from net.Conn, address string) {
	defer from.Close()
	l.wait()
	to, err := net.Dial("tcp", address)
	if err != nil {
		return // the server is being killed; the worker sees a closed connection, as from the server
	}
	defer to.Close()
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		go func() {
			_, _ = io.Copy(gate{way[1], l}, way[0]) // it ends when either side does
			ended <- struct{}{}
		}()
	}
	<-ended
	l.wait() // the end of a connection does not go through a cut either
}

// gate lets nothing through while the link is cut.
type gate struct {
	net.Conn
	link *link
}

func (g gate) Write(b []byte) (int, error) {
	g.link.wait()
	return g.Conn.Write(b)
}

func (l *link) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.isCut {
		l.open.Wait()
	}
}

// cut parts the worker from both servers, mend joins them again.
func (l *link) cut() error {
	if l.Namespace != "" {
		return exec.Command("ip", "link", "set", l.Namespace+"h", "down").Run()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	return nil
}

func (l *link) mend() error {
	if l.Namespace != "" {
		return exec.Command("ip", "link", "set", l.Namespace+"h", "up").Run()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
	l.open.Broadcast()
	return nil
}

func (l *link) close() {
	for _, listener := range l.listeners {
		_ = listener.Close() // the run is over
	}
	if l.Namespace != "" {
		dropNamespace(l.Namespace)
	}
}

// how says what was used.
func (l *link) how() string {
	if l.Namespace != "" {
		return "network namespace " + l.Namespace
	}
	return "relays of the harness"
}
