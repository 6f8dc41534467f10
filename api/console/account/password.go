package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a password: argon2id with 64 MiB, one pass, one thread, about
// 50 ms here. OWASP asks for no less than 19 MiB and two passes, or 46 MiB and
// one (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
const (
	hashMemory  = 64 << 10 // KiB
	hashPasses  = 1
	hashThreads = 1
	hashSize    = 32
	// hashesAtOnce bounds the memory that guessing can take.
	hashesAtOnce = 2
	// strangersAtOnce bounds how long the line is that everybody waits in, to
	// about a second: others from where nobody has signed in are sent away.
	strangersAtOnce = 40
)

// MinPassword and MaxPassword bound a password, in bytes: long enough that
// eight words of guessing do not find it, short enough to be hashed.
const (
	MinPassword = 10
	MaxPassword = 200
)

// hash makes the PHC form of a password.
func (a *Accounts) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	sum, err := a.derive(ctx, password, salt, hashCost{hashMemory, hashPasses, hashThreads})
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashThreads, b64(salt), b64(sum)), nil
}

// enter takes a place among the strangers; ErrTooMany where there is none.
func (a *Accounts) enter() (leave func(), err error) {
	select {
	case a.crowd <- struct{}{}:
		return func() { <-a.crowd }, nil
	default:
		return nil, ErrTooMany
	}
}

type hashCost struct {
	memory, passes uint32
	threads        uint8
}

// derive waits for its turn: a few run at once.
func (a *Accounts) derive(ctx context.Context, password string, salt []byte, c hashCost) ([]byte, error) {
	select {
	case a.hashes <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-a.hashes }()
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, hashSize), nil
}

// nobodys is the hash that a password is compared with where there is no such
// user, so that both answers take as long.
const nobodys = "$argon2id$v=19$m=65536,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches compares a password with a hash that hash made.
func (a *Accounts) matches(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known {
		phc = nobodys
	}
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[1] != "argon2id" {
		return false, fmt.Errorf("a password's hash cannot be read")
	}
	var c hashCost
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return false, fmt.Errorf("the cost of a password's hash: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(part[4])
	if err != nil {
		return false, fmt.Errorf("the salt of a password's hash: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(part[5])
	if err != nil {
		return false, fmt.Errorf("a password's hash: %w", err)
	}
	got, err := a.derive(ctx, password, salt, c)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1 && known, err
}
