package command

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// key is a key as people paste it, without its blanks and quotes. It prints as ***.
type key string

// UnmarshalText strips blanks and quotes.
func (k *key) UnmarshalText(text []byte) error {
	*k = key(strings.Trim(string(text), " \t\r\n\"'"))
	return nil
}

// String hides it.
func (key) String() string { return "***" }

func (k key) isSet() bool { return k != "" }

// secretList is addresses with blanks or new lines between them, or commas: one that an address
// follows. It prints as a *** each.
type secretList []string

var beforeAddress = regexp.MustCompile(`,([A-Za-z][A-Za-z0-9+.-]*://)`)

// UnmarshalText strips blanks and quotes.
func (l *secretList) UnmarshalText(text []byte) error {
	list := strings.Trim(strings.TrimSpace(string(text)), "\"'")
	*l = strings.Fields(beforeAddress.ReplaceAllString(list, " $1"))
	return nil
}

// String hides them.
func (l secretList) String() string {
	return strings.TrimSpace(strings.Repeat("*** ", len(l)))
}

func (l secretList) isSet() bool { return len(l) > 0 }

// secret is a value that nobody is to read.
type secret interface {
	encoding.TextUnmarshaler
	isSet() bool
}

// errEmptySecret is a file that holds no secret.
var errEmptySecret = errors.New("it is empty")

// readSecret reads a secret that is in a file.
func readSecret(name string, s secret) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return bare(err)
	}
	if err := s.UnmarshalText(text); err != nil {
		return err
	}
	if !s.isSet() {
		return errEmptySecret
	}
	return nil
}

// secretFile reads a secret that is in a file, unless it was given.
func secretFile(flag, name string, s secret) error {
	if name == "" || s.isSet() {
		return nil
	}
	if err := readSecret(name, s); err != nil {
		return &usage{problem: fmt.Sprintf("--%s %s: %v", flag, name, err)}
	}
	return nil
}
