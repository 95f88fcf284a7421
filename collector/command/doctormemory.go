package command

import "fmt"

// leastMemory is what a recorder of a few symbols needs with room to spare; it idles below
// 40 MB.
const leastMemory = 128 << 20

// checkMemory looks at the limit of the container, and that Go knows it.
func checkMemory(getenv func(string) string, cgroup func() (uint64, error)) finding {
	limit, err := cgroup()
	text := "no limit is known"
	known := err == nil && limit > 0 && limit < 1<<60
	if known {
		text = fmt.Sprintf("the limit is %d MB", limit>>20)
	}
	if set := getenv("GOMEMLIMIT"); set != "" {
		text += ", GOMEMLIMIT is " + set
	}
	if known && limit < leastMemory {
		return doubt("memory", fmt.Sprintf("%s: under %d MB the system may kill the recorder at a busy open", text, leastMemory>>20), "docker update --memory 256m --memory-swap 256m CONTAINER   # or what else gives it more")
	}
	return good("memory", "%s", text)
}
