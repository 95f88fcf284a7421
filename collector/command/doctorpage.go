package command

import (
	"fmt"
	"net"
)

// checkPage looks whether the page's address is free: where it was asked for and is not, run
// refuses to begin.
func checkPage(p *pageFlags, port string, listen func(string) (net.Listener, error)) []finding {
	address, asked := p.address(port)
	if address == "" {
		return nil
	}
	l, err := listen(address)
	if err == nil {
		err = l.Close()
	}
	if err == nil {
		return []finding{good("page", "%s is free for it", address)}
	}
	says, fix := fmt.Sprintf("%s: %v", address, bareNet(err)), program()+" run --listen 127.0.0.1:8081   # another place, or \"\" for none"
	if asked {
		return []finding{broken("page", says+", and run would refuse to begin", fix)}
	}
	return []finding{doubt("page", says+": there will be none", fix)}
}
