package command

import (
	"os"
	"path/filepath"
	"strings"
)

// checkConfiguration has a finding for each fault of the configuration. What run would take is
// a doubt.
func checkConfiguration(faults []flaw) (found []finding) {
	for _, f := range faults {
		grade := gradeFault
		if f.slight {
			grade = gradeDoubt
		}
		found = append(found, finding{grade, "configuration", f.name + ": " + f.problem, f.remedy})
	}
	if len(found) == 0 {
		found = append(found, good("configuration", "nothing is wrong with it; \"%s config\" prints it", program()))
	}
	return found
}

// checkRailway finds what loses data there: no volume, a file beside it, no time to stop.
func checkRailway(path string, environment []string) (found []finding) {
	set := railway(environment)
	if len(set) == 0 {
		return nil
	}
	volume := set["RAILWAY_VOLUME_MOUNT_PATH"]
	switch {
	case volume == "":
		found = append(found, broken("Railway", "the service has no volume: what is recorded is gone with the next deploy", "railway volume add --mount-path /data"))
	case !within(path, volume):
		found = append(found, broken("Railway", path+" is not on the volume, which is at "+volume+": it is gone with the next deploy",
			"railway variables --set "+shellWord("TAPEDECK_DB="+filepath.Join(volume, "tapedeck.db"))))
	default:
		found = append(found, good("Railway", "the file is on the volume at %s", volume))
	}
	if set["RAILWAY_DEPLOYMENT_DRAINING_SECONDS"] == "" {
		found = append(found, doubt("Railway", "there is no RAILWAY_DEPLOYMENT_DRAINING_SECONDS: each deploy kills the recorder at once, and the ledger calls the gap a crash",
			"railway variables --set RAILWAY_DEPLOYMENT_DRAINING_SECONDS=10"))
	}
	return found
}

// within says whether a path lies below a folder.
func within(path, folder string) bool {
	if !filepath.IsAbs(path) {
		if here, err := os.Getwd(); err == nil {
			path = filepath.Join(here, path)
		}
	}
	to, err := filepath.Rel(folder, path)
	return err == nil && to != ".." && !strings.HasPrefix(to, ".."+string(filepath.Separator))
}
