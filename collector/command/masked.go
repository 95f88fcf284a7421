package command

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// masked stands for what nobody is to read.
const masked = "***"

// isSecret says whether a flag holds what nobody is to read, or may.
func isSecret(flag *kong.Flag) bool {
	switch flag.Target.Interface().(type) {
	case key, secretList:
		return true
	}
	return flag.Name == "feed-url"
}

// maskedURL is an address without what may be a key in it: all but its host.
func maskedURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return masked
	}
	text := u.Scheme + "://" + u.Host
	if u.User != nil {
		text = u.Scheme + "://" + masked + "@" + u.Host
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		text += "/" + masked
	}
	return text
}

// mask replaces secrets in a text, wherever they may have got into it, and the home folder,
// which holds a person's name.
type mask struct {
	keys *strings.Replacer
	home *regexp.Regexp // nil where it is not known
}

const (
	leastKey  = 5 // letters: masking fewer would mask words
	leastPart = 6 // of an address
)

// mask masks the secrets of a configuration, also those that another variable keeps from being
// read: they may be in a log all the same.
func (i *inspection) mask() mask {
	r := i.run
	texts := append([]string{string(r.APIKey), string(r.HTTPToken), string(r.HeartbeatURL), r.FeedURL}, r.NotifyURLs...)
	for _, flag := range i.env.flags {
		for _, variable := range flag.Tag.Envs {
			if isSecret(flag) {
				texts = append(texts, strings.Fields(strings.Trim(os.Getenv(variable), " \t\r\n\"'"))...)
			}
		}
	}
	return newMask(texts)
}

// newMask masks keys, and the parts of addresses that may be some.
func newMask(texts []string) mask {
	var secrets []string
	add := func(least int, text string) {
		for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text)} {
			if len(form) >= least && !slices.Contains(secrets, form) {
				secrets = append(secrets, form)
			}
		}
	}
	for _, text := range texts {
		if !strings.Contains(text, "://") {
			add(leastKey, text)
			continue
		}
		for _, part := range secretParts(text) {
			add(leastPart, part)
		}
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // an address before its parts
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, masked)
	}
	m := mask{keys: strings.NewReplacer(pairs...)}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		m.home = regexp.MustCompile(regexp.QuoteMeta(home) + `\b`) // and not in /home/annette where it is /home/anne
	}
	return m
}

// secrets is a text without secrets.
func (m mask) secrets(text string) string { return m.keys.Replace(text) }

// all is a text without secrets and without the name of the home folder.
func (m mask) all(text string) string {
	text = m.secrets(text)
	if m.home != nil {
		text = m.home.ReplaceAllLiteralString(text, "~")
	}
	return text
}

// secretParts are the parts of an address that may be secret. The host is one where it is no
// name of a machine, as in slack://TOKEN.
func secretParts(address string) (parts []string) {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	parts = append(strings.Split(u.Path, "/"), u.User.Username(), u.Fragment)
	if password, ok := u.User.Password(); ok {
		parts = append(parts, password)
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	if bare := !strings.ContainsAny(u.Host, ".:") && u.Host != u.Scheme; bare && !slices.Contains([]string{"", "http", "https", "ws", "wss"}, u.Scheme) {
		parts = append(parts, u.Host)
	}
	if u.Host == "" {
		parts = append(parts, address, u.Opaque)
	}
	if u.RawQuery != "" || u.User != nil || len(strings.Trim(u.Path, "/")) >= leastPart {
		parts = append(parts, address)
	}
	return parts
}
