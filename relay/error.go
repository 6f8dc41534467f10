package relay

import "fmt"

// Code names a kind of refusal or failure. Codes are part of the contract:
// they are added, never renamed.
type Code string

// Codes of refused calls.
const (
	CodeInvalidJSON           Code = "invalid_json"
	CodeInvalidEncoding       Code = "invalid_encoding"
	CodeDuplicateField        Code = "duplicate_field"
	CodeMissingField          Code = "missing_field"
	CodeInvalidField          Code = "invalid_field"
	CodeInvalidAction         Code = "invalid_action"
	CodeNoContent             Code = "no_content"
	CodeMissingRecipient      Code = "missing_recipient"
	CodeTooManyRecipients     Code = "too_many_recipients"
	CodeInvalidPhone          Code = "invalid_phone"
	CodeInvalidJID            Code = "invalid_jid"
	CodeChatNotFound          Code = "chat_not_found"
	CodeChatAmbiguous         Code = "chat_ambiguous"
	CodeAccountNotFound       Code = "account_not_found"
	CodeNoChannel             Code = "no_channel"
	CodeFileNameRequired      Code = "file_name_required"
	CodeInvalidFileURL        Code = "invalid_file_url"
	CodeTextTooLong           Code = "text_too_long"
	CodeTemplateUnknown       Code = "template_unknown"
	CodeTemplateVariables     Code = "template_variables"
	CodeTemplateUnsupported   Code = "template_unsupported"
	CodeWindowClosed          Code = "window_closed"
	CodeOptedOut              Code = "opted_out"
	CodeInvalidIdempotencyKey Code = "invalid_idempotency_key"
	CodeIdempotencyConflict   Code = "idempotency_conflict"
	CodeQuotaExhausted        Code = "quota_exhausted"
	CodeWebhookDisabled       Code = "webhook_disabled"
	CodeNotFound              Code = "not_found"
	CodeMethodNotAllowed      Code = "method_not_allowed"
	CodeBodyTooLarge          Code = "body_too_large"
	CodeRateLimited           Code = "rate_limited"
	CodeUnavailable           Code = "unavailable"
	CodeDiskFull              Code = "disk_full"
	CodeInternal              Code = "internal"
)

// Codes of failed messages.
const (
	CodeFileUnreachable  Code = "file_unreachable"
	CodeFileIsWebPage    Code = "file_is_web_page"
	CodeFileTooLarge     Code = "file_too_large"
	CodeFileTypeMismatch Code = "file_type_mismatch"
	CodeNotOnWhatsApp    Code = "not_on_whatsapp"
	CodeRefused          Code = "refused"
	CodeExpired          Code = "expired"
	CodeCanceled         Code = "canceled"
	CodeProviderFailed   Code = "provider_failed"
)

// Codes of the management API alone.
const (
	CodeUnauthorized  Code = "unauthorized"
	CodeForbidden     Code = "forbidden"
	CodeConflict      Code = "conflict"
	CodeNotCancelable Code = "not_cancelable"
	CodeNotResendable Code = "not_resendable"
)

// Error is a refusal that its caller may see. Code and Message may be shown
// as they are; Err is for the operator's log only.
type Error struct {
	Code Code
	// Message is one sentence a person can act on, in English.
	Message string
	// Fields says where the fault is, where it is in a field.
	Fields []FieldError
	// Err is the cause, never shown to the caller.
	Err error
}

// FieldError is a fault in one field of a call.
type FieldError struct {
	// Field is the name as the caller wrote it.
	Field string `json:"field"`
	Code  Code   `json:"code"`
	// Message says what is wrong; Hint says what to write instead.
	Message string `json:"message"`
	Hint    string `json:"hint,omitzero"`
	// Line and Column count from 1, the column in characters; zero where the
	// fault has no place in the body.
	Line   int `json:"line,omitzero"`
	Column int `json:"column,omitzero"`
	// Excerpt is the line, with a caret under the column in a line of its
	// own; empty where there is no place.
	Excerpt string `json:"excerpt,omitzero"`
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Code, e.Err)
	}
	return string(e.Code)
}

func (e *Error) Unwrap() error { return e.Err }

// Refusef makes an Error from a code and a sentence.
func Refusef(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// RefuseField makes an Error about one field. Its sentence is the field's,
// with the hint behind it.
func RefuseField(code Code, field, message, hint string) *Error {
	whole := message
	if hint != "" {
		whole += " " + hint
	}
	return &Error{Code: code, Message: whole, Fields: []FieldError{{Field: field, Code: code, Message: message, Hint: hint}}}
}
