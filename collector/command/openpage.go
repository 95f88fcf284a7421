package command

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"tapedeck/collector/monitor"
)

// openPage is the page of a recorder, from before its file is open: what asks whether the
// process lives has an answer meanwhile.
type openPage struct {
	address string          // "" is nowhere
	words   string          // the same, as it is said at start
	access  *monitor.Access // nil where the page is nowhere
	gate    *monitor.Gate
	stop    context.CancelFunc
	serving sync.WaitGroup
}

// openPage listens where the flags say. Whoever calls it closes what it returns.
func (p *pageFlags) openPage(ctx context.Context, port string, log *slog.Logger) (*openPage, error) {
	l, err := p.listen(port, log)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	o := &openPage{stop: stop, gate: monitor.NewGate(monitor.Failing("recovering", "The file is being opened; what an earlier recorder left is read."))}
	if l != nil {
		o.begin(ctx, p, l, log)
	}
	return o, nil
}

func (o *openPage) begin(ctx context.Context, p *pageFlags, l net.Listener, log *slog.Logger) {
	o.address, o.words, o.access = pageAddress(l.Addr()), p.announce(l), p.access(l, log)
	servePage(ctx, l, o.gate, log, &o.serving)
}

// show has the page show a site, if there is one.
func (o *openPage) show(s *site) {
	if o.access != nil {
		o.gate.Open(s.handler(o.access))
	}
}

// close ends it.
func (o *openPage) close() {
	o.stop()
	o.serving.Wait()
}
