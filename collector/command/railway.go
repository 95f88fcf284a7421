package command

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// onRailway says whether Railway runs us: its command line sets the tokens elsewhere, too.
func onRailway() bool {
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "RAILWAY_") && !strings.HasPrefix(entry, "RAILWAY_TOKEN=") && !strings.HasPrefix(entry, "RAILWAY_API_TOKEN=") {
			return true
		}
	}
	return false
}

// needVolume refuses to record on Railway where the next deployment would take everything
// away.
func needVolume(db string, log *slog.Logger) error {
	if !onRailway() {
		return nil
	}
	volume := os.Getenv("RAILWAY_VOLUME_MOUNT_PATH")
	if volume == "" {
		return &usage{problem: "on Railway this service has no volume, so that each deployment would take away what was recorded", try: "railway volume add --mount-path /data"}
	}
	at, err := filepath.Abs(db)
	if err != nil {
		return err
	}
	if inside, err := filepath.Rel(volume, at); err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		log.Warn(fmt.Sprintf("%s is not on the volume %s: the next deployment takes it away. Leave --db out", at, volume))
	}
	return nil
}

// publicPage is where Railway shows the page to the world; "" when it does not.
func publicPage() string {
	if domain := os.Getenv("RAILWAY_PUBLIC_DOMAIN"); domain != "" {
		return "https://" + domain + "/"
	}
	return ""
}
