//go:build !linux

package boltstore

import "math"

// refuseNetwork cannot tell file systems apart here; use a local disk.
func refuseNetwork(string) error { return nil }

// freeBytes is not known here.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
