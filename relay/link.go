package relay

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// LinkLife is how long the address of a file works.
const LinkLife = 72 * time.Hour

// FileLink is an address under which a provider fetches a message's file until
// a time. Nobody can guess one, and it leads to that file alone.
func (r *Relay) FileLink(m Message, until time.Time) string {
	if m.File == nil || m.File.Key == "" {
		return ""
	}
	exp := strconv.FormatInt(until.Unix(), 36)
	return strings.TrimRight(r.Set.PublicURL, "/") + "/files/" + m.Workspace + "/" + url.PathEscape(m.ID) + "/" + exp + "/" + r.linkMark(m.Workspace, m.ID, exp) + "/" + url.PathEscape(m.File.Name)
}

func (r *Relay) linkMark(workspace, id, exp string) string {
	h := r.Secrets.HashLink(workspace + "\n" + id + "\n" + exp)
	return base64.RawURLEncoding.EncodeToString(h[:18])
}

// OpenLink opens what a FileLink leads to. ErrNotFound where it leads nowhere,
// is over, or the file is gone.
func (r *Relay) OpenLink(ctx context.Context, workspace, id, exp, mark string, now time.Time) (File, io.ReadCloser, error) {
	unix, err := strconv.ParseInt(exp, 36, 64)
	if err != nil || !hmac.Equal([]byte(mark), []byte(r.linkMark(workspace, id, exp))) || now.Unix() >= unix {
		return File{}, nil, ErrNotFound
	}
	var m Message
	err = r.Store.View(ctx, func(tx Tx) error {
		m, err = tx.Message(ctx, workspace, id)
		return err
	})
	if err != nil {
		return File{}, nil, err
	}
	if m.File == nil || m.File.Key == "" || r.Files == nil {
		return File{}, nil, ErrNotFound
	}
	body, err := r.Files.Open(m.File.Key)
	if err != nil {
		return File{}, nil, errors.Join(ErrNotFound, err)
	}
	return *m.File, body, nil
}
