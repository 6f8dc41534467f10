package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"relevo/cmd/relevo/config"
	"relevo/relay"
	"relevo/relay/guard"
	"relevo/relay/media"
)

func newDoctorCommand(p *program) *cobra.Command {
	return group("doctor", "Find out why something does not work", newDoctorFileCommand(p))
}

// doctorFlags are the settings that decide about a link, which doctor takes as
// flags of their own.
var doctorFlags = [...]struct{ key, usage string }{
	{"media.allow", "private `addresses` that a link may lead to, like 10.0.0.0/8,192.168.1.5/32 (or RELEVO_MEDIA__ALLOW)"},
	{"media.timeout", "how `long` the whole fetch may take, like 15s (or RELEVO_MEDIA__TIMEOUT)"},
}

func newDoctorFileCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "file URL",
		Short: "Say what a link to a file really gives; exit 1 if it would not be sent",
		Long: "File fetches a link as the server would for file_url, from this machine and with the settings that are found here,\n" +
			"keeps nothing, and says each step of the way, what came, what it would be sent as, and what to use instead.\n" +
			"It needs no running server. Parts of the link that may be secret are shown cut.",
		Example: "  relevo doctor file https://example.com/menu.pdf --name menu.pdf\n" +
			"  relevo doctor file 'https://drive.google.com/file/d/…/view' --name report.pdf --json\n" +
			"  relevo doctor file http://10.0.0.5/logo.png --media.allow 10.0.0.5/32",
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	name := flags.String("name", "", "the `file_name` that the call would give (default: what the server or the link says)")
	limit := flags.String("limit", config.Size(relay.DefaultMaxFileBytes).String(), "largest `size` that the channel takes, its max_file_bytes")
	asJSON := flags.Bool("json", false, "print JSON")
	flags.String("config", "", "YAML `file` of settings (or RELEVO_CONFIG)")
	for _, f := range doctorFlags {
		flags.String(config.FlagName(f.key)[2:], "", f.usage)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := media.Request{URL: strings.TrimSpace(args[0]), Name: media.CleanName(*name)}
		if r.Name == "" && *name != "" {
			return usagef("--name %q leaves no usable file name", *name)
		}
		var size config.Size
		if err := size.UnmarshalText([]byte(*limit)); err != nil || size < 1 {
			return usagef("--limit %q is no size above 0; write a whole number and a unit, like 2MiB", *limit)
		}
		r.Limit = int64(size)
		g, err := p.loadGuard(cmd)
		if err != nil {
			return err
		}
		found, err := media.Look(cmd.Context(), g, r)
		if err != nil {
			return err
		}
		return p.tellFile(found, *asJSON)
	}
	return cmd
}

// loadGuard reads from the configuration of a server where its fetches may go.
func (p *program) loadGuard(cmd *cobra.Command) (guard.Config, error) {
	in := config.Input{Environ: p.environ, Flags: map[string]string{}, ReadFile: os.ReadFile, File: p.getenv("RELEVO_CONFIG")}
	if f := cmd.Flags().Lookup("config"); f.Changed {
		in.File = f.Value.String()
	}
	for _, s := range doctorFlags {
		if f := cmd.Flags().Lookup(config.FlagName(s.key)[2:]); f.Changed {
			in.Flags[s.key] = f.Value.String()
		}
	}
	c, _, err := config.Load(in)
	if problems, ok := errors.AsType[config.Problems](err); ok &&
		slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Source.Kind == config.FromFlag }) {
		err = usageError{err}
	}
	return guard.Config{Allow: c.Media.Allow, Timeout: c.Media.Timeout}, err
}

func (p *program) tellFile(found media.Finding, asJSON bool) error {
	var err error
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false) // links are full of &
		err = enc.Encode(fileReportOf(found))
	} else {
		err = writeFileReport(p.stdout, found)
	}
	if err == nil && found.Failure != nil {
		return errSilent
	}
	return err
}

// fileReport is what `relevo doctor file --json` prints. null is what is not
// known.
type fileReport struct {
	OK      bool         `json:"ok"`
	Failure *fileFailure `json:"failure"`
	// Advice is one more thing to do, for this file; empty for none.
	Advice string     `json:"advice"`
	Steps  []fileStep `json:"steps"`
	// Status is the HTTP status of the last answer; 0 where there was none.
	Status int `json:"status"`
	// What the server says.
	ContentType   string `json:"content_type"`
	ContentLength *int64 `json:"content_length"`
	ContentName   string `json:"content_disposition_name"`
	// What came. Type is null where it would not be sent.
	Sniffed  *string `json:"sniffed_type"`
	Type     *string `json:"type"`
	WebPage  bool    `json:"web_page"`
	Read     int64   `json:"bytes_read"`
	Whole    bool    `json:"read_whole"`
	Limit    int64   `json:"limit"`
	SizeFits *bool   `json:"size_fits_limit"`
	Name     string  `json:"name"`
	// NameFrom is given, declared or link; empty where there is no name.
	NameFrom media.NameSource `json:"name_from"`
	TypeFits *bool            `json:"type_fits_name"`
	Kind     string           `json:"kind"`
	TookMS   int64            `json:"took_ms"`
}

type fileFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Again says that the server would try the link again by itself.
	Again bool `json:"again"`
}

type fileStep struct {
	URL     string `json:"url"`
	Address string `json:"address"`
	Status  int    `json:"status"`
	To      string `json:"redirects_to"`
}

func fileReportOf(f media.Finding) fileReport {
	r := fileReport{
		OK: f.Failure == nil, Advice: fileAdvice(f), Steps: []fileStep{}, Status: f.Status,
		ContentType: f.DeclaredType, ContentName: f.DeclaredName, WebPage: f.WebPage, Read: f.Read, Whole: f.Whole, Limit: f.Limit,
		Name: f.Name, NameFrom: f.NameFrom, Kind: f.Kind, TookMS: f.Took.Milliseconds(),
	}
	if f.Failure != nil {
		r.Failure = &fileFailure{f.Failure.Code, f.Failure.Message, f.Failure.Again}
	}
	for _, s := range f.Steps {
		r.Steps = append(r.Steps, fileStep{s.URL, s.Address, s.Status, s.To})
	}
	if f.DeclaredSize >= 0 {
		r.ContentLength = &f.DeclaredSize
	}
	if f.Sniffed != "" {
		r.Sniffed = &f.Sniffed
	}
	if f.Type != "" {
		r.Type = &f.Type
	}
	if fits, known := f.TypeFits(); known {
		r.TypeFits = &fits
	}
	if fits, known := f.SizeFits(); known {
		r.SizeFits = &fits
	}
	return r
}

// fileAdvice is what to do beyond what the failure says. To the operator it
// names the address to allow, which the sender of a link must not learn.
func fileAdvice(f media.Finding) string {
	if f.Failure == nil {
		return f.Advice
	}
	b, ok := errors.AsType[*guard.BlockedError](f.Failure)
	if !ok || b.Rule != guard.NotPublic {
		return f.Advice
	}
	ip := b.Addr.Addr().Unmap().WithZone("")
	return fmt.Sprintf("The host's address is %s. If its files are to be sent, add %s to media.allow.", ip, netip.PrefixFrom(ip, ip.BitLen()))
}

// writeFileReport is the report for a person: the verdict first, then why.
func writeFileReport(w io.Writer, f media.Finding) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if f.Failure == nil {
		fmt.Fprintf(t, "Relevo would take this file and send it as %s (%s).\n", aKind(f.Kind), f.Type)
	} else {
		fmt.Fprintf(t, "Relevo would not take this file: %s\n%s\n", f.Failure.Code, printable(f.Failure.Message))
	}
	if f.Failure != nil && f.Failure.Again {
		fmt.Fprintln(t, "This may pass: a server tries such a link up to three times within a minute.")
	}
	if advice := fileAdvice(f); advice != "" {
		fmt.Fprintln(t, printable(advice))
	}
	if len(f.Steps) == 0 {
		return t.Flush()
	}
	fmt.Fprintln(t)
	for i, s := range f.Steps {
		head := ""
		if i == 0 {
			head = "Asked:"
		}
		fmt.Fprintf(t, "%s\t%d. %s\n", head, i+1, printable(stepText(s)))
	}
	if f.Failure == nil || f.Sniffed != "" || f.Failure.Code == media.TooLarge { // else there was nothing of a file
		fmt.Fprintf(t, "Name:\t%s\n", printable(nameText(f)))
		fmt.Fprintf(t, "Type:\t%s\n", printable(typeText(f)))
		fmt.Fprintf(t, "Size:\t%s\n", sizeText(f))
	}
	fmt.Fprintf(t, "Took:\t%s\n", max(f.Took.Round(time.Millisecond), time.Millisecond))
	return t.Flush()
}

func stepText(s media.Step) string {
	text := s.URL
	if s.Address != "" {
		text += " at " + s.Address
	}
	if s.Status == 0 {
		return text + ": no answer"
	}
	text += ": " + strings.TrimSpace(fmt.Sprint(s.Status, " ", http.StatusText(s.Status)))
	if s.To != "" {
		text += ", redirects to " + s.To
	}
	return text
}

func nameText(f media.Finding) string {
	switch f.NameFrom {
	case media.NameGiven:
		return f.Name + ", announces " + aKind(f.Kind)
	case media.NameDeclared:
		return f.Name + " (the server's; a call needs a file_name of its own), announces " + aKind(f.Kind)
	case media.NameOfLink:
		return f.Name + " (from the link; a call needs a file_name of its own), announces " + aKind(f.Kind)
	}
	return "none given; a call needs a file_name, and its ending says how the file is shown"
}

func typeText(f media.Finding) string {
	declared := "; the server says " + cmp.Or(f.DeclaredType, "nothing")
	fits, known := f.TypeFits()
	switch {
	case !known:
		return "not known, no content was read" + declared
	case f.WebPage:
		return f.Sniffed + ", a web page" + declared
	case !fits:
		return f.Sniffed + ", does not fit the name" + declared
	}
	return f.Sniffed + ", fits the name" + declared
}

func sizeText(f media.Finding) string {
	text := media.SizeText(f.Read) + " read"
	if f.Read == 0 {
		text = "nothing read"
	}
	if f.Whole {
		text = media.SizeText(f.Read)
	}
	if f.DeclaredSize >= 0 && f.DeclaredSize != f.Read {
		text += "; the server says " + media.SizeText(f.DeclaredSize)
	}
	within := "the limit is "
	if fits, known := f.SizeFits(); known && fits {
		within = "within the limit of "
	} else if known {
		within = "over the limit of "
	}
	return text + "; " + within + media.SizeText(f.Limit)
}

// aKind is a kind of file in a sentence.
func aKind(kind string) string {
	switch kind {
	case media.Image:
		return "an image"
	case media.Video:
		return "a video"
	case media.Audio:
		return "audio"
	}
	return "a document"
}
