package command

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// railway is what Railway tells a service of itself, by the variables that are not empty. The
// tokens of its command line are set elsewhere, too.
func railway(environment []string) map[string]string {
	set := make(map[string]string)
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "RAILWAY_") && value != "" && name != "RAILWAY_TOKEN" && name != "RAILWAY_API_TOKEN" {
			set[name] = value
		}
	}
	return set
}

// onRailway says whether Railway runs us.
func onRailway() bool { return len(railway(os.Environ())) > 0 }

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
	if !within(db, volume) {
		log.Warn(fmt.Sprintf("%s is not on the volume %s: the next deployment takes it away. Leave --db out", db, volume))
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
