package pki

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/cluster"
)

// Ensure returns the cluster's PKI with a certificate for every row of the
// table and every node. It issues what is missing, what has less than a fifth
// of its life left, and what no longer says what the spec asks for; everything
// else stays byte for byte, and nothing is written when nothing changed. The
// roots (CAs, service account, SSH CAs, encryption key) are made once and
// never replaced: one that is lost or broken is an error.
func Ensure(store Store, c *cluster.Cluster, now time.Time, rand io.Reader) (*Set, error) {
	nodes := make([]*cluster.Node, len(c.Nodes))
	for i := range c.Nodes {
		nodes[i] = &c.Nodes[i]
	}
	return ensure(store, c, nodes, now, rand)
}

// EnsureNodes is Ensure for the cluster itself and the named nodes only: the
// files of other nodes are not even read.
func EnsureNodes(store Store, c *cluster.Cluster, names []string, now time.Time, rand io.Reader) (*Set, error) {
	nodes := make([]*cluster.Node, len(names))
	for i, name := range names {
		n, ok := c.Node(name)
		if !ok {
			return nil, fmt.Errorf("node %s is not in %s: add it with kbm add-node", name, cluster.NodesDir)
		}
		nodes[i] = n
	}
	return ensure(store, c, nodes, now, rand)
}

func ensure(store Store, c *cluster.Cluster, nodes []*cluster.Node, now time.Time, rand io.Reader) (*Set, error) {
	sealed, err := store.Seal()
	if err != nil {
		return nil, err
	}
	e := &ensurer{store: store, cluster: c, now: now, rand: &lockedReader{r: rand}}
	set := &Set{pairs: map[Name]Pair{}, nodes: make(map[string]NodeSet, len(nodes))}
	roots, shared := &batch{}, &batch{}
	if err := e.ensureRoots(set, roots); err != nil {
		return nil, err
	}
	if err := e.pairs(set.pairs, shared, nil); err != nil {
		return nil, err
	}

	batches := append([]*batch{roots, shared}, make([]*batch, len(nodes))...)
	nodeSets := make([]NodeSet, len(nodes))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, n := range nodes {
		group.Go(func() error {
			b := &batch{}
			batches[2+i] = b
			var err error
			nodeSets[i], err = e.node(b, n)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, n := range nodes {
		set.nodes[n.Name] = nodeSets[i]
	}
	set.Changes = sealed
	return set, e.write(set, batches)
}

// write keeps everything in one go, roots first: whoever finds a certificate
// then also finds what signed it, even after a crash in the middle.
func (e *ensurer) write(set *Set, batches []*batch) error {
	var files []File
	for _, b := range batches {
		files = append(files, b.files...)
		set.Changes = append(set.Changes, b.changes...)
	}
	if len(files) == 0 {
		return nil
	}
	return e.store.Write(files...)
}

// ensurer is what the steps of one Ensure share; it is read by many
// goroutines once the roots are there.
type ensurer struct {
	store   Store
	cluster *cluster.Cluster
	now     time.Time
	rand    io.Reader

	authorities map[Name]*authority
	hostCA      ssh.Signer
}

// batch collects what one goroutine issued.
type batch struct {
	files   []File
	changes []Change
}

// add plans files; the last one names the change.
func (b *batch) add(why string, files ...File) {
	b.files = append(b.files, files...)
	b.changes = append(b.changes, Change{Path: shown(files[len(files)-1].Path), Why: why})
}

// addPair plans the key before its certificate: a certificate without its key
// is then never the trace of a crash.
func (b *batch) addPair(why, base string, p Pair) {
	b.add(why, File{base + ".key", p.Key}, File{base + ".crt", p.Cert})
}

func (e *ensurer) node(b *batch, n *cluster.Node) (NodeSet, error) {
	set := NodeSet{pairs: map[Name]Pair{}}
	if err := e.pairs(set.pairs, b, n); err != nil {
		return set, err
	}
	var err error
	set.SSHHost, err = e.sshHost(b, n)
	return set, err
}

// pairs ensures every leaf of the node or, where that is nil, of the cluster.
func (e *ensurer) pairs(into map[Name]Pair, b *batch, n *cluster.Node) error {
	for _, p := range leaves(e.cluster, n) {
		pair, err := e.leaf(b, p, n)
		if err != nil {
			return err
		}
		into[p.name] = pair
	}
	return nil
}

// lockedReader lets goroutines share a source of randomness that may not be
// safe for that, as a test's is not.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}
