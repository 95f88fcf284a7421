// Tapedeck records the market's tape. See README.md.
package main

func main() {}
