package command

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// retention is the flags that say how long things are kept.
type retention struct {
	KeepTrades  days `name:"keep-trades" help:"Drop the trades of older sessions; their candles and ledger stay (default for ever; a symbol with 20,000 trades a day takes about 0.1 MB a day, SPY at 250,000 about 0.6 MB)." placeholder:"90d"`
	KeepCandles days `name:"keep-candles" help:"Drop the stored candles of older sessions, too (default for ever; a busy symbol takes about 0.1 MB a day)." placeholder:"3650d"`
}

// days is an age on the command line, such as 90d or 2160h; 0 is for ever.
type days time.Duration

// UnmarshalText reads a number of days, or what time.ParseDuration does.
func (d *days) UnmarshalText(text []byte) error {
	wrong := fmt.Errorf("%q is no age", text)
	var age time.Duration
	if number, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || n > 100_000 {
			return wrong
		}
		age = time.Duration(n * float64(24*time.Hour))
	} else {
		var err error
		if age, err = time.ParseDuration(string(text)); err != nil {
			return wrong
		}
	}
	if age <= 0 {
		return wrong
	}
	*d = days(age)
	return nil
}

// String is the age in days, or for ever.
func (d days) String() string {
	if d == 0 {
		return "ever"
	}
	return strconv.FormatFloat(time.Duration(d).Hours()/24, 'g', 4, 64) + " d"
}

// before is the time before which everything is too old; 0 is never.
func (d days) before(now int64) int64 {
	if d == 0 {
		return 0
	}
	return now - time.Duration(d).Milliseconds()
}

// apply drops what is too old. It is the job of each session, with the time of the feed.
func (r retention) apply(ctx context.Context, file *store.File, now int64, log *slog.Logger) error {
	dropped, err := file.Retain(ctx, r.KeepTrades.before(now), r.KeepCandles.before(now))
	if n := len(dropped); n > 0 {
		log.Info(fmt.Sprintf("Retention: dropped what is too old of %s", sessionsOf(dropped)))
	}
	return err
}

// sessionsOf names sessions by their dates.
func sessionsOf(list []ledger.Session) string {
	if len(list) == 1 {
		return "session " + list[0].Date()
	}
	return fmt.Sprintf("%d sessions %s to %s", len(list), list[0].Date(), list[len(list)-1].Date())
}
