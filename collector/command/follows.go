package command

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// follows is what a configuration comes to here, and by what: these are no flags.
func (i *inspection) follows() (list []setting) {
	r := i.run
	list = append(list, i.fileFollows(), i.pageFollows(), i.logFollows(), i.canaryFollows())
	list = append(list, memoryFollows(os.Getenv("GOMEMLIMIT"), memlimit.FromCgroup, memlimit.FromSystem))
	return append(list, setting{Name: "feed", Value: r.source(), Source: i.env.source("feed-url")})
}

func (i *inspection) fileFollows() setting {
	s := setting{Name: "file", Value: i.run.path(), Source: i.env.source("db")}
	if i.run.DB == "" && os.Getenv("RAILWAY_VOLUME_MOUNT_PATH") != "" {
		s.Source = "RAILWAY_VOLUME_MOUNT_PATH"
	}
	return s
}

func (i *inspection) pageFollows() setting {
	port := os.Getenv("PORT")
	address, _ := i.run.address(port)
	s := setting{Name: "page", Value: cmp.Or(address, "nowhere"), Source: i.env.source("listen")}
	if i.run.Listen == nil && port != "" {
		s.Source = "PORT"
	}
	return s
}

func (i *inspection) logFollows() setting {
	s := setting{Name: "log", Value: "text", Source: i.env.source("log-format")}
	if i.run.logsJSON() {
		s.Value = "json"
	}
	if i.run.LogFormat == "auto" {
		s.Source = cmp.Or(platformVariable(os.Environ()), "default")
	}
	return s
}

// platformVariable is a variable by which a platform is known.
func platformVariable(environment []string) string {
	var names []string
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "RAILWAY_") || name == "KUBERNETES_SERVICE_HOST" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// canaryFollows says which symbol it is, and why none.
func (i *inspection) canaryFollows() setting {
	r := i.run
	s := setting{Name: "canary symbol", Value: cmp.Or(r.canary(), "none"), Source: i.env.source("canary")}
	if !strings.EqualFold(strings.TrimSpace(r.Canary), "auto") {
		return s
	}
	switch {
	case r.AllHours:
		s.Source = "auto: --skip-market-hours"
	case r.Market != "us":
		s.Source = "auto: --market " + r.Market
	case r.APIKey == "demo":
		s.Source = "auto: the key demo"
	case s.Value == "none":
		s.Source = "auto: it is recorded itself"
	default:
		s.Source = "auto: us, with a key of your own"
	}
	return s
}

// memoryFollows is what Go is told of the memory.
func memoryFollows(given string, container, machine memlimit.Provider) setting {
	s := setting{Name: "memory", Source: "default"}
	if given != "" {
		s.Source = "GOMEMLIMIT"
	}
	_, s.Value = chooseLimit(given, container, machine)
	return s
}
