package media

import "fmt"

// Error says why a file could not be had. Another error of Fetch is a fault of
// ours (the disk, a call that was canceled) and says nothing about the file.
type Error struct {
	// Code is one of the four below.
	Code string
	// Message is for the owner of the message: what happened, why, and what
	// to do. It names hosts, never a path or a query, which may hold secrets.
	Message string
	// Again says that another try may help: the host could not be dialed or
	// found, was too slow, or answered 429 or 5xx.
	Again bool
	// Err is the cause for the log, where there is one. It holds no URL.
	Err error
}

// Codes of Error; they are part of the hook's contract.
const (
	Unreachable  = "file_unreachable"
	WebPage      = "file_is_web_page"
	TooLarge     = "file_too_large"
	TypeMismatch = "file_type_mismatch"
)

// Error is for the log: the sentence, which may hold a file name, is not in it.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Err.Error()
	}
	return e.Code
}

func (e *Error) Unwrap() error { return e.Err }

func failf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
