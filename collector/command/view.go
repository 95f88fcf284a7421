package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"tapedeck/collector/monitor"
	"tapedeck/store"
)

type viewCommand struct {
	fileArgument
	pageFlags
}

// Run serves the page over a stopped file until it is told to stop.
func (k *viewCommand) Run(ctx context.Context, c console) error {
	file, err := store.OpenReadOnly(k.path())
	var held *store.Held
	if errors.As(err, &held) {
		return recorded(ctx, k.path(), held)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	log, folder := newLog(c.err, platform(), false, nil)
	defer folder.Flush()
	l, err := k.listenAnywhere(os.Getenv("PORT"))
	if err != nil {
		return err
	}
	s := newSite(file, nil, log)
	defer s.dropSnapshot()
	fmt.Fprintf(c.out, "%s, read-only, at %s\nStop with Ctrl-C.\n", file.Path(), k.announce(l))
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	beside.Go(func() { s.tell(ctx) })
	servePage(ctx, l, s.handler(k.access(l, log)), log, &beside)
	<-ctx.Done()
	return nil
}

// listenAnywhere takes the address of the page; where nobody asked for the one that is busy,
// any other is as good.
func (k *viewCommand) listenAnywhere(port string) (net.Listener, error) {
	if err := k.find(); err != nil {
		return nil, err
	}
	address, asked := k.address(port)
	if address == "" {
		return nil, &usage{problem: "--listen \"\" is nowhere; right is for example --listen 127.0.0.1:8081"}
	}
	l, err := monitor.ListenTCP(address)
	if err != nil && !asked {
		return monitor.ListenTCP("127.0.0.1:0")
	}
	if err != nil {
		return nil, noListener(address, err)
	}
	return l, nil
}

// recorded says where the page of a file is that somebody records into.
func recorded(ctx context.Context, path string, held *store.Held) error {
	var at pageQuestion
	var answer addressText
	if _, err := consultRecorder(ctx, path, held, &at, &answer); err == nil && answer != "" {
		return &hinted{fmt.Errorf("%s is being recorded by %s, which shows it at %s", path, cmp.Or(held.Holder.String(), "another process"), answer), "curl -s " + string(answer) + "healthz"}
	}
	return held
}
