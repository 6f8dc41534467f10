package metatest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// File is one that the fake keeps: uploaded, or sent by somebody.
type File struct {
	Name, Type string
	Content    []byte
	// Redirect is an address to which the download is redirected.
	Redirect string
}

// What Meta takes: types and bytes by kind.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
var (
	types = map[string][]string{
		"image":   {"image/jpeg", "image/png"},
		"audio":   {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"},
		"video":   {"video/mp4", "video/3gpp"},
		"sticker": {"image/webp"},
		"document": {"text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			"application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	}
	limits = map[string]int64{"image": 5 << 20, "audio": 16 << 20, "video": 16 << 20, "sticker": 500 << 10, "document": 100 << 20}
)

// Keep keeps a file as if somebody had sent it, and returns its id.
func (f *Fake) Keep(file File) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	id := strconv.Itoa(1037543290000000 + f.serial)
	f.files[id] = file
	return id
}

// Forget removes a file, as Meta does after 7 or 30 days.
func (f *Fake) Forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, id)
}

func (f *Fake) kept(id string) (File, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, ok := f.files[id]
	return file, ok
}

// upload serves POST /{phone-number-id}/media.
func (f *Fake) upload(w http.ResponseWriter, r *http.Request) {
	t, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || t != "multipart/form-data" {
		fail(w, 400, fault{Code: 100, Message: "(#100) The parameter messaging_product is required."})
		return
	}
	file, fields, err := readForm(multipart.NewReader(r.Body, params["boundary"]))
	if err != nil {
		fail(w, 400, fault{Code: 100, Message: "(#100) " + err.Error()})
		return
	}
	for _, k := range []string{"messaging_product", "type"} {
		if fields[k] == "" {
			fail(w, 400, fault{Code: 100, Message: "(#100) The parameter " + k + " is required."})
			return
		}
	}
	known := false
	for kind, of := range types {
		known = known || slices.Contains(of, file.Type) && int64(len(file.Content)) <= limits[kind]
	}
	if !known || fields["type"] != file.Type || fields["messaging_product"] != "whatsapp" {
		fail(w, 400, fault{Code: 100, Message: "(#100) Param file must be a file with one of the supported types and sizes"})
		return
	}
	answer(w, 200, map[string]string{"id": f.Keep(file)})
}

func readForm(form *multipart.Reader) (file File, fields map[string]string, err error) {
	fields = map[string]string{}
	for {
		p, err := form.NextPart()
		if err == io.EOF {
			return file, fields, nil
		}
		if err != nil {
			return file, fields, err
		}
		content, err := io.ReadAll(p)
		switch {
		case err != nil:
			return file, fields, err
		case p.FormName() == "file":
			file = File{Name: p.FileName(), Type: p.Header.Get("Content-Type"), Content: content}
		case p.FormName() == "messaging_product", p.FormName() == "type":
			fields[p.FormName()] = string(content)
		default:
			return file, fields, fmt.Errorf("unknown field %s", p.FormName())
		}
	}
}

// file serves GET and DELETE /{media-id}.
func (f *Fake) file(w http.ResponseWriter, r *http.Request, id string) {
	file, ok := f.kept(id)
	number := r.URL.Query().Get("phone_number_id")
	if !ok || number != "" && number != f.o.PhoneNumberID {
		fail(w, 400, noObject(id, r.Method))
		return
	}
	if r.Method == http.MethodDelete {
		f.Forget(id)
		answer(w, 200, map[string]bool{"success": true})
		return
	}
	sum := sha256.Sum256(file.Content)
	answer(w, 200, map[string]any{"messaging_product": "whatsapp", "url": "http://" + r.Host + "/lookaside/" + id, "mime_type": file.Type,
		"sha256": hex.EncodeToString(sum[:]), "file_size": strconv.Itoa(len(file.Content)), "id": id})
}

// download serves the address of a file, which takes the token too.
func (f *Fake) download(w http.ResponseWriter, r *http.Request) {
	if a, ok := f.take("lookaside"); ok && f.say(w, r, a) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+f.o.Token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	file, ok := f.kept(strings.TrimPrefix(r.URL.Path, "/lookaside/"))
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	case file.Redirect != "":
		http.Redirect(w, r, file.Redirect, http.StatusFound)
	default:
		w.Header().Set("Content-Type", file.Type)
		_, _ = w.Write(file.Content)
	}
}

// startUpload serves POST /{app-id}/uploads, finishUpload the bytes: the
// resumable upload of examples for templates.
func (f *Fake) startUpload(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.ParseInt(r.URL.Query().Get("file_length"), 10, 64)
	if err != nil || size <= 0 || r.URL.Query().Get("file_type") == "" {
		fail(w, 400, fault{Code: 100, Message: "(#100) file_length and file_type are required"})
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	id := fmt.Sprintf("upload:MTphdHRhY2htZW50%d", f.serial)
	f.uploads[id] = size
	answer(w, 200, map[string]string{"id": id})
}

func (f *Fake) finishUpload(w http.ResponseWriter, r *http.Request, id string) {
	content, err := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	size, known := f.uploads[id]
	oauth := strings.HasPrefix(r.Header.Get("Authorization"), "OAuth ")
	if err != nil || !known || !oauth || r.Header.Get("file_offset") != "0" || int64(len(content)) != size {
		fail(w, 400, fault{Code: 100, Message: "(#100) The upload does not fit its session"})
		return
	}
	answer(w, 200, map[string]string{"h": "4::" + strings.TrimPrefix(id, "upload:")})
}
