// Package command is the command line: it parses, wires the parts together, and
// prints. Only main imports it.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// oneStop is how close together signals are one wish to stop: timeout(1) sends its
// signal to the process and to its group. It is what a clean stop may take.
const oneStop = 300 * time.Millisecond

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// console is where a command writes: rows and logs to out, words to err.
type console struct {
	out, err io.Writer
}

// commandLine is every command with its flags; each flag is also TAPEDECK_ and its
// name in capitals.
type commandLine struct {
	Run         runCommand         `cmd:"" help:"Record, session after session."`
	Demo        demoCommand        `cmd:"" help:"Record a simulated session end to end, no key and no network, and show what came out."`
	Config      configCommand      `cmd:"" help:"Print the configuration that run has here: each value, where it is from, and what is wrong with it."`
	Doctor      doctorCommand      `cmd:"" help:"Check a set-up and say what to fix: key, clock, disk, memory, file, feeds, alerts."`
	Status      statusCommand      `cmd:"" help:"What is recorded, what is missing, what happens next; of a stopped file: what is in it."`
	Calendar    calendarCommand    `cmd:"" help:"Days of a range, holidays and early closes by name."`
	Coverage    coverageCommand    `cmd:"" help:"Per session and symbol: seconds traded, quiet, partial, down, with each gap and its cause."`
	News        newsCommand        `cmd:"" help:"Latest headlines."`
	View        viewCommand        `cmd:"" help:"Serve the page over a stopped file, read-only."`
	Export      exportCommand      `cmd:"" help:"Write candles, trades or coverage as CSV, also while it is recorded."`
	Backup      backupCommand      `cmd:"" help:"Write a consistent, verified copy, also while it is recorded."`
	Verify      verifyCommand      `cmd:"" help:"Prove a file, also while it is recorded: checksums, every stored candle against its trades; of a stopped one its pages, too."`
	Compact     compactCommand     `cmd:"" help:"Give space back: write a stopped file anew, sealed and verified."`
	Replay      replayCommand      `cmd:"" help:"Serve a recording as an EODHD feed."`
	Simulate    simulateCommand    `cmd:"" help:"Serve a generated market as an EODHD feed."`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit 0 when the recorder says that all is well, else 1 with the reason."`
	Notify      notifyCommand      `cmd:"" help:"Alerts: see that they get through."`
	Grafana     grafanaCommand     `cmd:"" help:"Print a dashboard for Grafana, to be imported there."`
	Alerts      alertsCommand      `cmd:"" help:"Print alert rules for Prometheus."`
	Systemd     systemdCommand     `cmd:"" help:"Print a unit for systemd."`
	Version     versionCommand     `cmd:"" help:"Say which version this is."`
}

// Main runs the program with its arguments (without its name) and returns the exit
// code: 0 ok, 1 failure, 2 wrong usage. It blocks until the command ends; the first
// SIGINT or SIGTERM asks the command to stop, one that comes 300 ms later
// or more ends the process at once.
func Main(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(oneStop, stop) })
	return dispatch(ctx, args, console{out, errs})
}

// exited carries the code of --help out of the parser.
type exited int

func dispatch(ctx context.Context, args []string, c console) (code int) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(exited)
			if !ok {
				panic(p)
			}
			code = int(e)
		}
	}()
	parser, err := newParser(c)
	if err != nil {
		return c.fail(err)
	}
	var aside []flaw
	node := lenientNode(parser.Model, args)
	if node != nil {
		aside = append(unknownFaults(parser.Model, os.Environ()), setAside(node)...)
	} else {
		warnUnknownVariables(parser.Model, os.Environ(), c.err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return c.fail(misread(err))
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if node != nil {
		parsed.Bind(newEnvironment(parser.Model, parsed, aside))
	}
	return c.fail(explain(parsed.Run(c)))
}

// newParser reads the command line. It ends with a panic of exited where --help was asked for.
func newParser(c console) (*kong.Kong, error) {
	return kong.New(new(commandLine),
		kong.Name(program()),
		kong.Description("A recorder for the market's tape."),
		kong.DefaultEnvars("TAPEDECK"),
		kong.Writers(c.out, c.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
}

// misread is what the parser did not understand, with a value that it would.
func misread(err error) *usage {
	u := &usage{problem: err.Error(), try: program() + " --help"}
	var p *kong.ParseError
	if !errors.As(err, &p) {
		return u
	}
	// The library does not say which flag it means but by the text it begins with.
	for _, flag := range p.Context.Flags() {
		if strings.HasPrefix(u.problem, flag.ShortSummary()+": ") && !flag.IsBool() {
			u.problem += fmt.Sprintf("; right is for example --%s %s", flag.Name, flag.PlaceHolder)
		}
	}
	return u
}

// usage is a call that cannot work as it was made.
type usage struct {
	problem string
	try     string // a line that can be run as it stands; may be empty
}

func (u *usage) Error() string { return u.problem }

// hinted is an error with a way out.
type hinted struct {
	error
	try string
}

func (h *hinted) Unwrap() error { return h.error }

// fail prints an error for a person and returns its exit code.
func (c console) fail(err error) int {
	if err == nil || errors.Is(err, syscall.EPIPE) { // whoever reads has seen enough
		return exitOK
	}
	if errors.Is(err, context.Canceled) { // by whom it was asked to
		fmt.Fprintln(c.err, "Stopped before the end"+strings.TrimPrefix(err.Error(), context.Canceled.Error()))
		return exitFailure
	}
	fmt.Fprintf(c.err, "Error: %v\n", err)
	var u *usage
	var h *hinted
	switch {
	case errors.As(err, &u):
		if u.try != "" {
			fmt.Fprintf(c.err, "Try: %s\n", u.try)
		}
		return exitUsage
	case errors.As(err, &h):
		fmt.Fprintf(c.err, "Try: %s\n", h.try)
	}
	return exitFailure
}
