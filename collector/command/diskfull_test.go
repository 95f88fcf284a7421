package command_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
)

var (
	fullFor  = flag.Duration("full", 4*time.Second, "how long the disk of TestDiskFull is full")
	fullRate = flag.Float64("fullrate", 20, "trades of a market second, of which 60 pass in one; beyond 500 the server hangs up, too, and 3000 overflow the memory in 45 s")
)

// smallDisk mounts a file system of so many megabytes until the test ends.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root mounts a disk")
	}
	folder := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", folder).CombinedOutput(); err != nil {
		t.Skipf("no mount here: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", folder).Run() })
	return folder
}

// fill writes a file until there is no more room.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(file, endless{})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for { // and the last bytes
		if _, err := file.Write([]byte{0}); err != nil {
			break
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestDiskFull fills the disk of the real program, a small one of its own, in the middle of
// a session, frees it, and lets it record on. Nothing that was sent is missing while it
// could wait in memory; what could not is called so in the ledger; each is told once. -full
// 60s is the long form, and -full 50s -fullrate 3000 overflows.
func TestDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 s")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	disk := smallDisk(t, "256m")
	symbols := []string{"QLD", "QQQ", "SPY"}
	if overflow() {
		symbols = symbols[:1] // 13 million frames are compared
	}
	session := ledger.Session{Hours: ledger.Regular, Open: 1763735400000, Close: 1763758800000}
	market := playback.NewMarket(playback.MarketOptions{Seed: seed, Symbols: symbols, Rate: *fullRate, Session: session})
	var clock marketClock
	o := playback.ServerOptions{Speed: killSpeed, Trace: clock.note}
	if overflow() { // the server hangs up once, some seconds before the disk is freed
		o.CutEvery = *fullFor * killSpeed
	}
	url := serve(t, market, o)
	db := filepath.Join(disk, "full.db")
	binary(t)
	cmd := recorder(url, db, symbols)
	var log bytes.Buffer
	cmd.Stdout = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sleep := time.Sleep // the program, the disk and the server are real
	sleep(5 * time.Second)
	ballast := filepath.Join(disk, "ballast")
	began := time.Now()
	fill(t, ballast)
	sleep(*fullFor)
	statusWhileFull(t, db)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	sleep(6 * time.Second)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the recorder ended with %v", err)
	}
	stopped := time.Now()
	for _, told := range []string{"The disk is full", "The disk has room again"} {
		if n := strings.Count(log.String(), told); n != 1 {
			t.Errorf("%q was told %d times:\n%s", told, n, log.String())
		}
	}
	states := secondStates(t, db)
	missing := 0
	for _, symbol := range symbols {
		sent := framesOf(t, market, session, symbol, &clock, stopped)
		missing += checkFull(t, symbol, sent, export(t, db, "trades", "--symbols", symbol), states[symbol])
	}
	checkFullLedger(t, db, missing, clock.event64(began), clock.event64(freed))
	if !overflow() {
		checkCandles(t, db)
	}
	if out, err := exec.Command(built.path, "verify", db).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// overflow says whether there may be more than fits in memory.
func overflow() bool { return *fullRate > 500 }

// statusWhileFull asks the recorder while it cannot write.
func statusWhileFull(t *testing.T, db string) {
	t.Helper()
	cmd := exec.Command(built.path, "status", db)
	cmd.Env = environment()
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("Recording: pid")) {
		t.Errorf("status while the disk is full: %v\n%s", err, out)
	}
}

// checkFull walks what was sent and what was recorded side by side, up to the last that was
// recorded, and returns how many are missing: each in a second that is not called heard.
func checkFull(t *testing.T, symbol string, sent []sentFrame, got [][]string, states map[int64]string) (missing int) {
	t.Helper()
	i := slices.IndexFunc(sent, func(f sentFrame) bool { return sameFrame(f, got[0]) })
	if i < 0 {
		t.Fatalf("%s: the first recorded trade was never sent: %v", symbol, got[0])
	}
	first := i
	for n, row := range got {
		for ; i < len(sent) && !sameFrame(sent[i], row); i++ {
			missing++
			if s := states[sent[i].time/1000*1000]; sent[i].late < 100 && (s == "traded" || s == "quiet") {
				t.Errorf("%s: a frame of %s is missing, and its second is called %s", symbol, time.UnixMilli(sent[i].time).UTC(), s)
			}
		}
		if i == len(sent) {
			t.Fatalf("%s: row %d was recorded twice, or never sent: %v", symbol, n, row)
		}
		i++
	}
	t.Logf("%s: %d of %d frames recorded", symbol, len(got), i-first)
	return missing
}

// checkFullLedger wants no gap at all where nothing is missing, and else one inside the time
// when the disk was full, or the moment behind it: with the cause disk_full, or drop where
// the server hung up before the memory was full.
func checkFullLedger(t *testing.T, db string, missing int, began, freed int64) {
	t.Helper()
	gaps := 0
	for _, row := range export(t, db, "coverage") {
		from, _ := time.Parse(time.RFC3339, row[0])
		until, _ := time.Parse(time.RFC3339, row[1])
		if row[4] != "down" && row[4] != "partial" || from.UnixMilli() < began-120_000 || from.UnixMilli() > freed+300_000 {
			continue // before the subscription, and after the stop
		}
		gaps++
		t.Logf("gap %v: the disk was full from %v to %v", row, time.UnixMilli(began).UTC(), time.UnixMilli(freed).UTC())
		if row[5] != "disk_full" && (row[5] != "drop" || *fullRate > 2500) || from.UnixMilli() < began-1000 || until.UnixMilli() > freed+240_000 {
			t.Errorf("gap %v: the disk was full from %v to %v", row, time.UnixMilli(began).UTC(), time.UnixMilli(freed).UTC())
		}
	}
	if missing == 0 && gaps > 0 || missing > 0 && gaps == 0 {
		t.Errorf("%d frames are missing, and there are %d gaps", missing, gaps)
	}
}
