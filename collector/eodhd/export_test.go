package eodhd

import "crypto/tls"

// WithTLS are the options with another TLS configuration, for servers whose
// certificate nobody signed.
func (o Options) WithTLS(c *tls.Config) Options {
	o.tls = c
	return o
}
