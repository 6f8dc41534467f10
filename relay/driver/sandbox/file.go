package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"relevo/relay"
)

// Files of a channel lie in FOLDER/ch_…/files; one that is not whole yet has a
// name that starts with a dot.
const (
	filesFolder = "files"
	halfPrefix  = ".half-"
	// maxNameBytes leaves room for the message's id in the 255 bytes that a
	// file's name may have.
	maxNameBytes = 120
)

// keep copies the attachment beside the channel's file. It reads it to its end
// and closes it; the copy appears whole or not at all.
func (d *Driver) keep(out relay.Outgoing) (_ *LineFile, err error) {
	path := filepath.Join(out.Channel.ID, filesFolder, nameOf(out.MessageID)+"_"+cleanName(out.File.Name))
	folder := filepath.Dir(filepath.Join(d.dir, path))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	in, err := out.File.Open()
	if err != nil {
		return nil, &unreadable{err}
	}
	defer in.Close()
	half, err := os.CreateTemp(folder, halfPrefix+"*") // 0600
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			half.Close()
			os.Remove(half.Name())
		}
	}()
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(half, sum), in)
	if err != nil {
		return nil, err
	}
	if err := half.Close(); err != nil {
		return nil, err
	}
	if err := os.Rename(half.Name(), filepath.Join(d.dir, path)); err != nil {
		return nil, err
	}
	return &LineFile{Name: out.File.Name, Type: out.File.Type, Size: size,
		SHA256: hex.EncodeToString(sum.Sum(nil)), Path: filepath.ToSlash(path)}, nil
}

// unreadable is a file that could not be opened.
type unreadable struct{ err error }

func (e *unreadable) Error() string { return "open the file: " + e.err.Error() }

func (e *unreadable) Unwrap() error { return e.err }

// notKept says what a file that could not be copied means. Nothing went out;
// a file that is gone does not come back.
func notKept(err error) *relay.SendError {
	if gone := (*unreadable)(nil); errors.As(err, &gone) && errors.Is(err, fs.ErrNotExist) {
		return &relay.SendError{Verdict: relay.Refused, Code: relay.CodeFileUnreachable,
			Reason: "The file of this message is not kept any more. Send it again with its link.", Err: withoutPath("keep", err)}
	}
	return &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeUnavailable,
		Reason: "The file of this message could not be copied to the sandbox; Relevo tries again. Its operator finds the cause in the log.",
		Err:    withoutPath("keep", err)}
}

// withoutPath takes a path out of an error for the log: the file's name in it
// is the owner's own text.
func withoutPath(what string, err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = fmt.Errorf("%s: %w", p.Op, p.Err)
	} else if l := (*os.LinkError)(nil); errors.As(err, &l) {
		err = fmt.Errorf("%s: %w", l.Op, l.Err)
	}
	return fmt.Errorf("%s a file of the sandbox: %w", what, err)
}

// removeHalfFiles removes what a killed process left half copied.
func (d *Driver) removeHalfFiles() {
	halves, err := filepath.Glob(filepath.Join(glob(d.dir), "ch_*", filesFolder, halfPrefix+"*"))
	for _, half := range halves {
		err = errors.Join(err, os.Remove(half))
	}
	if err != nil {
		d.log.Warn("sandbox: remove half copied files", "error", withoutPath("remove", err))
	}
}

// cleanName is a file's name that stays in its folder, looks like itself and
// can be typed: letters, digits, spaces and .-_() of the name's last part,
// everything else an underscore. A long one keeps its extension.
func cleanName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune(" .-_()", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(name, "_"))
	ext := filepath.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	stem := name[:len(name)-len(ext)]
	for len(stem)+len(ext) > maxNameBytes {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	if stem+ext == "" {
		return "file"
	}
	return stem + ext
}

// nameOf is a message's id as a part of a file's name: its colon, and whatever
// else is no letter or digit, becomes an underscore.
func nameOf(messageID string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, messageID)
}
