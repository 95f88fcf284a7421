package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/monitor"
	"tapedeck/schedule"
)

// slotsOfAKey is how many symbols a key may subscribe to by its plan, unless more were bought.
const slotsOfAKey = 50

// checkRecorder asks the recorder of the file instead of the feed: another connection would
// take its slots.
func checkRecorder(f facts, ask func() (monitor.Health, error)) finding {
	who := fmt.Sprintf("pid %d records with it since %s", f.status.Recording.PID, f.status.Recording.Since)
	h, err := ask()
	switch {
	case err != nil:
		return doubt("key", fmt.Sprintf("not tried: %s, and does not say how it is: %v", who, err), program()+" status --db "+shellWord(f.path))
	case h.Status != "ok" && h.State == "refused":
		return broken("key", fmt.Sprintf("%s and is refused: %s", who, h.Reason), newKeyLine())
	case h.Status != "ok":
		return broken("recorder", fmt.Sprintf("%s and is %s: %s", who, h.State, h.Reason), program()+" status --db "+shellWord(f.path))
	}
	return good("key", "not tried, which would take slots: %s and says that it is %s", who, h.State)
}

func newKeyLine() string {
	return giveLine("EODHD_API_KEY", "KEY") + "   # as https://eodhd.com shows it to you, of a plan with WebSockets"
}

// checkFeed tries the key and looks at the symbols.
func checkFeed(ctx context.Context, i *inspection, f facts, try func(context.Context) ([]candle.Trade, error)) []finding {
	r := i.run
	var heard []candle.Trade
	key, came := finding{}, false
	switch {
	case i.has("api-key") || i.has("api-key-file") || i.has("feed-url"):
		key = doubt("key", "not tried: the configuration has none, or no address to try it at", program()+" config")
	case f.held():
		key = doubt("key", "not tried, for whoever has the file may use it: "+f.err.Error(), program()+" doctor   # again when that has ended")
	default:
		var err error
		heard, err = try(ctx)
		key, came = judgeKey(r, heard, err), err == nil
	}
	found := append([]finding{key}, checkNames(r)...)
	if came {
		found = append(found, checkHeard(r.Symbols, heard)...)
	}
	return found
}

// judgeKey says what came of a try.
func judgeKey(r *runCommand, heard []candle.Trade, err error) finding {
	var refused *eodhd.Refused
	var unreachable *eodhd.Unreachable
	switch {
	case err == nil && len(heard) == 0:
		return good("key", "accepted by %s", r.source())
	case err == nil:
		at := time.UnixMilli(heard[0].Time).In(schedule.NewYork())
		return good("key", "accepted by %s. %s last trade %s at %s", r.source(), heard[0].Symbol, at.Format("Mon Jan 2 15:04:05"), heard[0].Price)
	case errors.As(err, &refused):
		return judgeRefusal(refused)
	case errors.As(err, &unreachable):
		return broken("feed", err.Error(), "curl -sv -o /dev/null "+shellWord(r.dateAddress())+"   # says where it ends: the network, the name server, or a proxy (HTTPS_PROXY)")
	}
	return doubt("feed", fmt.Sprintf("not wholly tried: %v", err), program()+" doctor   # again")
}

func judgeRefusal(r *eodhd.Refused) finding {
	switch r.Refusal() {
	case "key":
		return broken("key", r.Error()+": a wrong key, or a plan without WebSockets", newKeyLine())
	case "slots":
		return broken("key", r.Error()+": all symbols of the key are in use; another recorder uses it, here or elsewhere", program()+" status   # of the other one's file; stop it, or give this one a key of its own")
	case "rate":
		return doubt("key", r.Error()+": too many tries", program()+" doctor   # again in some minutes")
	case "server":
		return doubt("key", r.Error()+": the feed is in trouble, which is not yours", program()+" doctor   # again in some minutes")
	}
	return broken("key", r.Error(), program()+" config   # are --market, --symbols and --feed-url right?")
}

// checkNames finds symbols that the market cannot know.
func checkNames(r *runCommand) (found []finding) {
	var coins, stocks, suffixed []string
	for _, name := range r.Symbols {
		switch {
		case r.Market == "us" && isPair(name):
			coins = append(coins, name)
		case r.Market == "us" && strings.Contains(name, "."):
			suffixed = append(suffixed, name)
		case r.Market == "crypto" && !strings.Contains(name, "-"):
			stocks = append(stocks, name)
		}
	}
	if len(coins) > 0 {
		found = append(found, doubt("symbols", listed(coins, 10)+": of crypto by the name, and the market is us, which is mute about it", program()+" run --market crypto --symbols "+strings.Join(coins, ",")))
	}
	if len(stocks) > 0 {
		found = append(found, doubt("symbols", listed(stocks, 10)+": no pair of crypto by the name, such as BTC-USD, and the market is crypto", program()+" run --market us --symbols "+strings.Join(stocks, ",")))
	}
	for _, name := range suffixed {
		bare, _, _ := strings.Cut(name, ".")
		found = append(found, doubt("symbols", name+": the socket knows American symbols by their bare names", program()+" run --symbols "+bare))
	}
	if n := len(r.Symbols); n > slotsOfAKey {
		found = append(found, doubt("symbols", fmt.Sprintf("%d, and a key may usually have %d: more have to be bought", n, slotsOfAKey), program()+" run --symbols "+strings.Join(r.Symbols[:3], ",")+",...   # fewer; or more slots at https://eodhd.com"))
	}
	if len(found) == 0 {
		found = append(found, good("symbols", "%s, of %s", listed(r.Symbols, 10), r.Market))
	}
	return found
}

// isPair says whether a symbol is one of crypto by its name: BRK-B is none.
func isPair(name string) bool {
	_, quote, ok := strings.Cut(name, "-")
	return ok && slices.Contains([]string{"USD", "USDT", "USDC", "EUR", "GBP", "BTC", "ETH"}, quote)
}

// checkHeard names the symbols of which a try brought nothing. The feed sends a symbol's last
// trade after a subscribe, and of an unknown symbol says nothing.
func checkHeard(symbols []string, heard []candle.Trade) []finding {
	var silent []string
	for _, name := range symbols {
		if !slices.ContainsFunc(heard, func(t candle.Trade) bool { return t.Symbol == name }) {
			silent = append(silent, name)
		}
	}
	if len(silent) == 0 {
		return nil
	}
	says := fmt.Sprintf("no last trade of %s came within 5 s: it may be rarely traded, or there is no such symbol", listed(silent, 10))
	return []finding{doubt("symbols", says, "curl -s "+shellWord("https://eodhd.com/api/search/"+silent[0]+"?api_token=KEY")+"   # says whether there is one")}
}
