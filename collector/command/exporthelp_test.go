package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// seededHere is a source of randomness whose seed is printed when the test fails.
// TAPEDECK_TEST_SEED=n repeats a run.
func seededHere(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TAPEDECK_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("TAPEDECK_TEST_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("TAPEDECK_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// valuesOf are the values of a JSON object in their order, as CSV has them.
func valuesOf(t *testing.T, line string) (list []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(line)))
	d.UseNumber()
	for at := 0; ; at++ { // the brace, then names and values in turn
		token, err := d.Token()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch v := token.(type) {
		case nil:
			list = append(list, "")
		case bool:
			list = append(list, strconv.FormatBool(v))
		case json.Number:
			list = append(list, v.String())
		case string:
			if at%2 == 0 {
				list = append(list, v)
			}
		}
	}
}

func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
