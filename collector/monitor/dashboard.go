package monitor

import _ "embed"

//go:embed grafana.json
var dashboard string

//go:embed alerts.yml
var alertRules string

// Dashboard is the dashboard for Grafana 10 and later: JSON, to be imported as it is.
func Dashboard() []byte { return []byte(dashboard) }

// AlertRules are the alert rules for Prometheus: a file as its rule_files names. They are
// for the job tapedeck.
func AlertRules() []byte { return []byte(alertRules) }
