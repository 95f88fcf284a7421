package command

// The certificates of the web's authorities, for where the system has none: a scratch or
// distroless image, an empty chroot. They are used only then: what the administrator of a
// machine trusts, or does not, holds.
import _ "golang.org/x/crypto/x509roots/fallback"
