//go:build !unix

package store

import "syscall"

// errQuota is what this system says for ENOSPC too: it has no quota of its own.
const errQuota = syscall.ENOSPC
