package main

import (
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

// page is which part of a list to show.
type page struct {
	limit  int
	cursor string
}

func (p *page) addFlags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.limit, "limit", 0, "`rows` to show, 1 to 200 (default 50)")
	cmd.Flags().StringVar(&p.cursor, "cursor", "", "`place` to go on from, as the page before said")
}

// query is the page's part of a URL; what was not given is left out.
func (p *page) query() url.Values {
	q := url.Values{}
	if p.limit != 0 {
		q.Set("limit", strconv.Itoa(p.limit))
	}
	set(q, "cursor", p.cursor)
	return q
}

// set adds a value that was given.
func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}
