package relay

import (
	"errors"
	"fmt"
	"net/url"
	"testing"
)

func TestTheLogOfAFetchShowsNoAddress(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {errors.New("connection reset"), "connection reset"}, {&FetchError{Code: CodeFileTooLarge, Message: "x"}, "file_too_large"},
		{&url.Error{Op: "Get", URL: "https://cdn.example/secret", Err: errors.New("reset")}, "reset"},
		{fmt.Errorf("media: %w", &url.Error{Op: "Get", URL: "https://cdn.example/secret", Err: errors.New("reset")}), "reset"},
		{errors.New("no answer of https://cdn.example/secret"), "*errors.errorString"},
	} {
		if got := loggable(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
