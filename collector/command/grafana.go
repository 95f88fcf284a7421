package command

import "tapedeck/collector/monitor"

type grafanaCommand struct{}

// Run prints the dashboard for Grafana, and nothing else, so that it can be redirected.
func (grafanaCommand) Run(c console) error {
	_, err := c.out.Write(monitor.Dashboard())
	return err
}

type alertsCommand struct{}

// Run prints the alert rules for Prometheus, and nothing else.
func (alertsCommand) Run(c console) error {
	_, err := c.out.Write(monitor.AlertRules())
	return err
}
