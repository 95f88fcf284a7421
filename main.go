// Tapedeck records the market's tape: see README.md.
package main

import (
	"os"

	"tapedeck/collector/command"
)

func main() {
	os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
}
