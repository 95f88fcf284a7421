package command

import (
	"encoding"
	"fmt"
	"os"
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

// secretList is secrets with blanks or new lines between them. It prints as a *** each.
type secretList []string

// UnmarshalText strips blanks and quotes.
func (l *secretList) UnmarshalText(text []byte) error {
	*l = strings.Fields(strings.Trim(strings.TrimSpace(string(text)), "\"'"))
	return nil
}

// String hides them.
func (l secretList) String() string {
	return strings.TrimSpace(strings.Repeat("*** ", len(l)))
}

func (l secretList) isSet() bool { return len(l) > 0 }

// secretFile reads a secret that is in a file, unless it was given.
func secretFile(flag, name string, secret interface {
	encoding.TextUnmarshaler
	isSet() bool
}) error {
	if name == "" || secret.isSet() {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return &usage{problem: fmt.Sprintf("--%s %s: %v", flag, name, bare(err))}
	}
	if err := secret.UnmarshalText(text); err != nil {
		return &usage{problem: fmt.Sprintf("--%s %s: %v", flag, name, err)}
	}
	if !secret.isSet() {
		return &usage{problem: fmt.Sprintf("--%s %s: it is empty", flag, name)}
	}
	return nil
}
