package news

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// linkMost is the longest link that is kept, in bytes.
const linkMost = 2048

// Canonical is a link as it is kept: http or https, the host in lower case, without user,
// default port, fragment and what tracks its reader. The rest keeps its bytes. It is "" of
// what is no such link, or one of more than 2048 bytes.
func Canonical(link string) string {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	u.User = nil
	u.Host = strings.ToLower(u.Host)
	if port := u.Port(); port == "80" && u.Scheme == "http" || port == "443" && u.Scheme == "https" || port == "" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	u.RawQuery = keep(u.RawQuery, func(name string) bool { return !tracks(name) })
	u.ForceQuery = false
	if !strings.HasPrefix(u.Fragment, "!") { // #!/story names a page, others a place in it or a tracker
		u.Fragment, u.RawFragment = "", ""
	}
	text := u.String()
	if len(text) > linkMost {
		return ""
	}
	return text
}

// keep is a query with the parameters whose names, in lower case, are wanted.
func keep(query string, wanted func(name string) bool) string {
	if query == "" {
		return ""
	}
	parts := slices.DeleteFunc(strings.Split(query, "&"), func(part string) bool {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		return part == "" || !wanted(strings.ToLower(name))
	})
	return unblanked(strings.Join(parts, "&"))
}

// unblanked writes blanks as a link has them.
func unblanked(s string) string {
	if !strings.ContainsFunc(s, unicode.IsSpace) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsSpace(r) {
			b.WriteString(url.PathEscape(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// trackers are parameters that say how a reader came, as lists of link cleaners have them.
// With a star, all that begin so.
var trackers = []string{
	"utm_*", "mtm_*", "matomo_*", "piwik_*", "hsa_*", "oly_*", "vero_*", "ns_*", "__hs*", "_hs*", "at_custom*",
	"at_medium", "at_campaign", "at_campaign_type", "at_link_id", "at_link_type", "at_link_origin", "at_format", "at_ptr_name", "at_bbc_team",
	"pk_campaign", "pk_keyword", "pk_kwd", "pk_source", "pk_medium", "pk_content",
	"gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "twclid", "yclid", "ysclid", "igshid", "igsh", "ttclid", "li_fat_id",
	"mc_cid", "mc_eid", "mc_tc", "hsctatracking", "wickedid", "s_cid", "ncid", "cmpid", "cmp", "ocid", "xtor", "icid", "ito", "wt.mc_id",
	"guccounter", "guce_referrer", "guce_referrer_sig", "soc_src", "soc_trk", "smid", "spm", "_ga", "_gl", "rb_clickid", "campaign_id", "mkt_tok",
}

func tracks(name string) bool { return listed(trackers, name) }

// senders are parameters that only say which feed the reader came from. They stay in the
// link, which is the feed's, and do not tell articles apart.
var senders = []string{".tsrc", "tsrc", "oc", "rss", "feed", "feedtype", "feedname", "mod", "siteid", "partner", "ref", "source", "src", "from"}

func listed(list []string, name string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		if begin, ok := strings.CutSuffix(entry, "*"); ok {
			return strings.HasPrefix(name, begin)
		}
		return name == entry
	})
}

// linkKey is what tells a canonical link from others: not its scheme, "www.", a slash at the
// end, the feed that it came from, or the order of its parameters.
func linkKey(canonical string) string {
	_, rest, _ := strings.Cut(canonical, "://")
	rest, fragment, _ := strings.Cut(rest, "#")
	place, query, _ := strings.Cut(rest, "?")
	place = strings.TrimRight(strings.TrimPrefix(place, "www."), "/")
	parts := strings.Split(keep(query, func(name string) bool { return !listed(senders, name) }), "&")
	slices.Sort(parts)
	return place + "?" + strings.Join(parts, "&") + "#" + fragment
}

// front says whether a canonical link leads to the front page of a host.
func front(canonical string) bool {
	key := linkKey(canonical)
	return !strings.Contains(key, "/") && strings.HasSuffix(key, "?#")
}
