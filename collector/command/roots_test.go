package command

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The roots of a process are read once, so that a process of its own, in which the system
// has none, is asked.
func TestRoots(t *testing.T) {
	const alone = "TAPEDECK_TEST_ROOTS"
	if os.Getenv(alone) == "" {
		nowhere := filepath.Join(t.TempDir(), "nowhere")
		child := exec.Command(os.Args[0], "-test.run", "^TestRoots$", "-test.v")
		child.Env = append(os.Environ(), alone+"=1", "SSL_CERT_FILE="+nowhere, "SSL_CERT_DIR="+nowhere)
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	if pool.Equal(x509.NewCertPool()) {
		t.Error("without the system's certificates there are none")
	}
}
