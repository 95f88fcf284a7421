package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

// calendarTold is when it is looked whether the calendar ends: before a session.
const calendarTold = schedule.TimeOfDay(9 * 60)

// jobs are what is done beside the recording into file. Their names are in the file. failed is
// told why one fails.
func (r *runCommand) jobs(file *store.File, clock schedule.Clock, failed *failures, log *slog.Logger) *schedule.Jobs {
	list := exportJobs(file, r.AfterClose, log) // before retention: what it drops is out by then
	if r.KeepTrades != 0 || r.KeepCandles != 0 {
		list = append(list, schedule.Job{Name: "retention", Do: func(ctx context.Context, _ ledger.Session) error {
			return r.retention.apply(ctx, file, clock.Now().UnixMilli(), log)
		}})
	}
	if !r.allHours() {
		list = append(list, schedule.Job{Name: "calendar", Daily: true, At: calendarTold, Do: func(context.Context, ledger.Session) error {
			if warning, soon := schedule.Ends(clock.Now()); soon {
				log.Warn(warning)
			}
			return nil
		}})
	}
	if r.Backup {
		list = append(list, backupJob(file, r.KeepBackups, clock, failed, log)) // behind what changes the file
	}
	j := schedule.NewJobs(file, clock, time.Duration(r.CloseGrace), list...)
	j.Failed = func(job string, s ledger.Session, err error, again time.Duration) {
		failed.note(job, err.Error())
		var attrs []any
		var panicked *schedule.Panicked
		if errors.As(err, &panicked) {
			attrs = append(attrs, slog.String("stack", string(panicked.Stack)))
		}
		log.Error(fmt.Sprintf("The job %s of session %s failed: %v. Next try in %s", job, s.Date(), err, schedule.Span(again)), attrs...)
	}
	return j
}
