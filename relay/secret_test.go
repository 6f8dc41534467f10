package relay

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func secrets(t *testing.T, fill byte) *Secrets {
	t.Helper()
	s, err := NewSecrets(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestATokenHas43RandomCharactersAndA6CharacterChecksum(t *testing.T) {
	form := regexp.MustCompile(`^rlv_[0-9A-Za-z]{49}$`)
	seen := map[string]bool{}
	for range 200 {
		token := NewToken()
		if !form.MatchString(token) || !ValidToken(token) || seen[token] {
			t.Fatalf("%q is no new token", token)
		}
		seen[token] = true
	}
}

func TestKeysHaveFormsOfTheirOwn(t *testing.T) {
	for prefix, key := range map[string]string{"rlvk_": NewAPIKey(), "rlvo_": NewOperatorKey()} {
		if !regexp.MustCompile("^" + prefix + `[0-9A-Za-z]{49}$`).MatchString(key) {
			t.Errorf("%q is no key with prefix %s", key, prefix)
		}
		if ValidToken(key) {
			t.Errorf("the key %q passes for a webhook token", key)
		}
	}
}

func TestTheChecksumFindsEveryChangedCharacter(t *testing.T) {
	token := NewToken()
	for i := len(tokenPrefix); i < len(token); i++ {
		for _, c := range []byte(base62) {
			if c == token[i] {
				continue
			}
			changed := token[:i] + string(c) + token[i+1:]
			if ValidToken(changed) {
				t.Errorf("with %q in place of %q at %d it is still valid", c, token[i], i)
			}
		}
	}
}

func TestTheChecksumIsTheCRC32InBase62(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"", "000000"},                 // CRC-32 of nothing is 0
		{"123456789", "3jZRME"},        // 0xCBF43926, the check value of CRC-32/ISO-HDLC
		{"\xff\xff\xff\xff", "4gfFC3"}, // 0xFFFFFFFF
	} {
		if got := checksum(c.body); got != c.want {
			t.Errorf("checksum of %q is %s, want %s", c.body, got, c.want)
		}
	}
}

func TestJunkIsNoToken(t *testing.T) {
	token := NewToken()
	swapped := []byte(token)
	i := slices.IndexFunc(swapped[5:], func(c byte) bool { return c != swapped[4] }) + 5
	swapped[4], swapped[i] = swapped[i], swapped[4]
	for _, s := range []string{
		"", "rlv_", "rlv", token[:len(token)-1], token + "0", token + "\n", " " + token, token[4:], strings.ToUpper(token), strings.Replace(token, "rlv_", "rlv-", 1),
		"rlv_" + strings.Repeat("0", 48) + "1", "rlv_" + strings.Repeat("z", 49), "rlv_" + strings.Repeat("\x00", 49), "rlv_" + strings.Repeat("é", 30), string(swapped),
	} {
		if ValidToken(s) {
			t.Errorf("%q passes for a token", s)
		}
	}
}

func TestAShortMasterSecretIsRefused(t *testing.T) {
	for _, n := range []int{0, 16, 31} {
		if _, err := NewSecrets(make([]byte, n)); err == nil {
			t.Errorf("a master secret of %d bytes was taken", n)
		}
	}
}

func TestTheSameMasterSecretHashesTheSame(t *testing.T) {
	a, again, b := secrets(t, 1), secrets(t, 1), secrets(t, 2)
	if a.HashToken("x") != again.HashToken("x") || a.HashKey("x") != again.HashKey("x") || a.CheckValue() != again.CheckValue() {
		t.Error("two of one master secret differ")
	}
	if a.HashToken("x") == b.HashToken("x") || a.HashKey("x") == b.HashKey("x") || a.CheckValue() == b.CheckValue() {
		t.Error("two of different master secrets agree")
	}
	if a.HashToken("x") == a.HashToken("y") || a.HashToken("x") == a.HashKey("x") {
		t.Error("a token's hash says too little, or is a key's as well")
	}
}

// TestHashesNeverChange holds the values that stores keep: another derivation
// would lock everybody out.
func TestHashesNeverChange(t *testing.T) {
	s := secrets(t, 1)
	for name, c := range map[string]struct{ got, want string }{
		"token": {hexOf(s.HashToken("rlv_x")), "fadb02ceeec4ea659798ca19b098d9932d4b227d5016352c150f2e4035a6d52f"},
		"key":   {hexOf(s.HashKey("rlvk_x")), "9a785b5a38414c9e58ccba3bc06f6b4bab24c42b3f08b8ae3720761b922f35b9"},
		"check": {s.CheckValue(), "8b49aa6c1925ad8ad46e3285d3159e59"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
}

func hexOf(h TokenHash) string { return hex.EncodeToString(h[:]) }

func TestWhatIsSealedOpensOnlyWithItsKeyInItsContext(t *testing.T) {
	a, b := secrets(t, 1), secrets(t, 2)
	sealed := a.Seal("rlv_secret", "ws_1")
	if got, err := secrets(t, 1).Open(sealed, "ws_1"); err != nil || got != "rlv_secret" {
		t.Errorf("it opened as %q, error %v", got, err)
	}
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the secret can be read in what was sealed")
	}
	if bytes.Equal(sealed, a.Seal("rlv_secret", "ws_1")) {
		t.Error("sealed twice it is the same: the nonce is not random")
	}
	damaged := bytes.Clone(sealed)
	damaged[len(damaged)/2] ^= 1
	for name, open := range map[string]func() (string, error){
		"another context": func() (string, error) { return a.Open(sealed, "ws_2") },
		"no context":      func() (string, error) { return a.Open(sealed, "") },
		"another key":     func() (string, error) { return b.Open(sealed, "ws_1") },
		"damaged":         func() (string, error) { return a.Open(damaged, "ws_1") },
		"cut off":         func() (string, error) { return a.Open(sealed[:10], "ws_1") },
		"empty":           func() (string, error) { return a.Open(nil, "ws_1") },
	} {
		if got, err := open(); err == nil || got != "" {
			t.Errorf("%s: it opened as %q, error %v", name, got, err)
		} else if strings.Contains(err.Error(), "rlv_") {
			t.Errorf("%s: the error %q names the secret", name, err)
		}
	}
}

func TestTheCheckValueSaysNothingOfTheKeys(t *testing.T) {
	master := bytes.Repeat([]byte{1}, 32)
	s := secrets(t, 1)
	check, err := hex.DecodeString(s.CheckValue())
	if err != nil || len(check) != 16 {
		t.Fatalf("the check value is %q, want 32 hexadecimal digits", s.CheckValue())
	}
	for name, key := range map[string][]byte{"master secret": master, "token key": s.hook, "api key's key": s.key, "check key": s.check} {
		for i := range len(key) - 3 {
			if bytes.Contains(check, key[i:i+4]) {
				t.Errorf("the check value holds bytes of the %s", name)
			}
		}
	}
	keys := []string{string(s.hook), string(s.key), string(s.check), string(master)}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 4 {
		t.Error("two keys are the same")
	}
}

func TestAHashIsWrittenInHexadecimal(t *testing.T) {
	h := secrets(t, 1).HashToken("x")
	b, err := json.Marshal(h)
	if err != nil || string(b) != `"`+hexOf(h)+`"` {
		t.Fatalf("written as %s, error %v", b, err)
	}
	var back TokenHash
	if err := json.Unmarshal(b, &back); err != nil || back != h {
		t.Errorf("read back as %x, error %v", back, err)
	}
	for _, s := range []string{"", "00", hexOf(h) + "00", strings.Repeat("g", 64)} {
		if err := new(TokenHash).UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q was read as a hash", s)
		}
	}
}

func TestATokenOfOtherCharactersIsNone(t *testing.T) {
	body := strings.Repeat("!", 43)
	if token := "rlv_" + body + checksum(body); ValidToken(token) {
		t.Errorf("%q passes for a token", token)
	}
}
