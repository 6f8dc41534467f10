package media

import "strings"

// hint is what helps with a host whose links lead to pages.
type hint struct {
	// hosts are names; their subdomains count as well.
	hosts []string
	// fix is whole sentences. An ellipsis stands for the link's own part.
	fix string
}

// generic is the hint for all other hosts.
const generic = "Open the link in a private window of your browser: it must show the file alone, or start its download, without a login or a page around it."

// hints is the table of share hosts; the first row that fits is the one.
func hints() []hint {
	return []hint{
		{[]string{"drive.google.com", "drive.usercontent.google.com"},
			`Share the file with "Anyone with the link" and use https://drive.google.com/uc?export=download&id=…`},
		{[]string{"docs.google.com"},
			`Share it with "Anyone with the link" and use its export link: https://docs.google.com/document/d/…/export?format=pdf for a document, https://docs.google.com/spreadsheets/d/…/export?format=xlsx for a sheet, https://docs.google.com/presentation/d/…/export/pdf for slides.`},
		{[]string{"photos.google.com", "photos.app.goo.gl"},
			"Google Photos has no direct link to a picture. Put it on Google Drive or on your own site."},
		{[]string{"dropbox.com", "db.tt"},
			"End the link in dl=1 instead of dl=0: https://www.dropbox.com/…?dl=1"},
		{[]string{"onedrive.live.com", "1drv.ms", "onedrive.com"},
			`Share the file with "Anyone with the link", open the link in a browser, and add &download=1 to the long address that it leads to: https://onedrive.live.com/…&download=1`},
		{[]string{"sharepoint.com", "sharepoint.us", "sharepoint.cn"},
			`Share the file with "Anyone with the link" and add download=1 to the link: https://….sharepoint.com/…?download=1 (&download=1 where it has a ? already).`},
		{[]string{"wetransfer.com", "we.tl"},
			"WeTransfer has no direct link to a file. Put the file on a host that has one, such as Google Drive, Dropbox or your own site."},
		{[]string{"icloud.com"},
			"iCloud has no direct link to a file. Put the file on a host that has one, such as Google Drive, Dropbox or your own site."},
		{[]string{"mega.nz", "mega.io"},
			"MEGA has no direct link to a file. Put the file on a host that has one, such as Google Drive, Dropbox or your own site."},
		{[]string{"box.com"},
			`Use the "Direct Link" of the file's link settings: https://app.box.com/shared/static/…`},
		{[]string{"mediafire.com"},
			"Use the address behind the download button; it begins with https://download and changes from time to time."},
		{[]string{"imgur.com"},
			"Use the picture's own address, which ends in .jpg or .png: https://i.imgur.com/….jpg"},
		{[]string{"github.com"},
			"Use the file's raw address: https://raw.githubusercontent.com/…"},
		{[]string{"canva.com"},
			"Canva has no direct link to a file. Download the design and put it on a host that has one, such as Google Drive, Dropbox or your own site."},
	}
}

// hint says what to do about a link that leads to no file: by the host that
// was typed, else by the one that it led to.
func (f *fetch) hint() string {
	for _, host := range []string{f.typed, f.host} {
		for _, h := range hints() {
			for _, known := range h.hosts {
				if under(host, known) {
					return h.fix
				}
			}
		}
	}
	return generic
}

// under reports whether host is domain or one of its subdomains.
func under(host, domain string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == domain || strings.HasSuffix(host, "."+domain)
}
