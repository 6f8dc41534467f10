package console

import (
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"relevo/relay"
)

// maxRows bounds a download; what is older is left out.
const maxRows = 100_000

// sheet is a CSV file that is written while it is read from the store.
type sheet struct{ w *csv.Writer }

// download answers with a sheet of a name; each writes one page of a list, and
// says where the next one begins. A fault after the first byte ends the
// connection: half a file must not pass for a whole one.
func (p *call) download(name string, columns []string, each func(s sheet, page relay.Page) (rows int, next string, err error)) error {
	p.goOn()
	h := p.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+p.WS.ID+"-"+time.Now().UTC().Format(time.DateOnly)+`.csv"`)
	if p.r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.WriteString(p.w, "\ufeff"); err != nil {
		return nil // a client that went away
	}
	s := sheet{csv.NewWriter(p.w)}
	s.w.UseCRLF = true // RFC 4180
	s.row(columns...)
	for page, all := (relay.Page{Limit: 200}), 0; all < maxRows; {
		p.goOn()
		n, next, err := each(s, page)
		s.w.Flush()
		if err != nil {
			p.c.Log.Error("download", "route", p.r.Pattern, "request_id", p.RequestID(), "error", err)
			panic(http.ErrAbortHandler)
		}
		if next == "" || s.w.Error() != nil || p.ctx.Err() != nil {
			return nil
		}
		all, page.Cursor = all+n, next
	}
	return nil
}

// maxStall is how long a client may take for one part of a download. The whole
// may take as long as it does.
const maxStall = time.Minute

// goOn gives the client time for one part more. The next page on the same
// connection begins without a limit: net/http sees to that.
func (p *call) goOn() {
	_ = http.NewResponseController(p.w).SetWriteDeadline(time.Now().Add(maxStall)) // not every writer has one
}

// row writes a line; what a spreadsheet would take for a formula begins with an
// apostrophe.
func (s sheet) row(cells ...string) {
	for i, c := range cells {
		if IsFormula(c) && !plainNumber(c) {
			cells[i] = "'" + c
		}
	}
	_ = s.w.Write(cells) // kept by the writer, and looked at after each page
}

func plainNumber(s string) bool { return strings.Trim(strings.TrimPrefix(s, "-"), "0123456789") == "" }

// IsFormula reports what a spreadsheet may take for one: wide forms of the signs
// count as the signs where people write Chinese or Japanese
// (https://owasp.org/www-community/attacks/CSV_Injection).
func IsFormula(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first)
}
