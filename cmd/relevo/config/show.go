package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

// Line is one setting as `relevo config print` shows it.
type Line struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// Lines are all settings with their values, as they would be written, and
// their sources. Secrets are masked.
func (c Config) Lines(from Sources) []Line {
	var lines []Line
	for _, s := range settings(&c) {
		l := Line{Key: s.key, Source: from[s.key].String()}
		if v, ok := s.field.Interface().(Secret); ok && v.Set() {
			l.Value = "(set, from " + l.Source + ")"
		} else {
			l.Value = show(s.field.Interface())
		}
		lines = append(lines, l)
	}
	return lines
}

func show(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return short(v)
	case slog.Level:
		return strings.ToLower(v.String())
	case []netip.Prefix:
		words := make([]string, len(v))
		for i, p := range v {
			words[i] = p.String()
		}
		return strings.Join(words, ",")
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	return fmt.Sprint(v)
}

// short is a duration without its idle parts: 72h, not 72h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// String is the configuration as JSON with secrets masked, so that printing
// one by mistake gives nothing away.
func (c Config) String() string {
	b, err := json.Marshal(c.Lines(nil))
	if err != nil {
		return "config"
	}
	return string(b)
}
