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

// Cost is what hashing a password by argon2id takes.
type Cost struct {
	// Memory is in KiB.
	Memory, Passes uint32
	Threads        uint8
}

// DefaultCost takes about 50 ms here. OWASP asks for no less than 19 MiB and two
// passes, or 46 MiB and one
// (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
var DefaultCost = Cost{Memory: 64 << 10, Passes: 1, Threads: 1}

const (
	hashSize = 32
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
	sum, err := a.derive(ctx, password, salt, a.cost)
	if err != nil {
		return "", err
	}
	return a.cost.phc(salt, sum), nil
}

// phc is a hash as it is kept
// (https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md).
func (c Cost) phc(salt, sum []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads, b64(salt), b64(sum))
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

// derive waits for its turn: a few run at once.
func (a *Accounts) derive(ctx context.Context, password string, salt []byte, c Cost) ([]byte, error) {
	select {
	case a.hashes <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-a.hashes }()
	return argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Threads, hashSize), nil
}

// matches compares a password with a hash that hash made.
func (a *Accounts) matches(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known { // compared all the same, so that both answers take as long
		phc = a.cost.phc(make([]byte, 16), make([]byte, hashSize))
	}
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[1] != "argon2id" {
		return false, fmt.Errorf("a password's hash cannot be read")
	}
	var c Cost
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); err != nil {
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
