package config

import (
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix begins every variable that is meant for Relevo.
const EnvPrefix = "RELEVO_"

// setting is one field of a Config.
type setting struct {
	key   string
	field reflect.Value
}

// settings are the fields of a Config, in their order, sections flattened.
func settings(c *Config) []setting {
	var list []setting
	var walk func(v reflect.Value, prefix string)
	walk = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			key, f := prefix+v.Type().Field(i).Tag.Get("koanf"), v.Field(i)
			if f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[Secret]() {
				walk(f, key+".")
				continue
			}
			list = append(list, setting{key, f})
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return list
}

// Keys are the names of all settings, in the order of Config.
func Keys() []string {
	var keys []string
	for _, s := range settings(new(Config)) {
		keys = append(keys, s.key)
	}
	return keys
}

// isSection reports whether a key is the beginning of others.
func isSection(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, key+".") })
}

// env is the setting's variable.
func (s setting) env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "__"))
}

func (s setting) secret() bool { return s.field.Type() == reflect.TypeFor[Secret]() }

// mayBeEmpty reports whether an empty variable says something. It does for
// words ("admin_listen" off) and lists; an empty number is one that compose
// files and shells left out.
func (s setting) mayBeEmpty() bool {
	return s.field.Kind() == reflect.String || s.field.Kind() == reflect.Slice
}

// put reads a raw value, text or what YAML made of it, into the field. A YAML
// null leaves the default.
func (s setting) put(raw any) error {
	if raw == nil {
		return nil
	}
	if s.field.Type() == reflect.TypeFor[[]netip.Prefix]() {
		return s.putPrefixes(raw)
	}
	switch raw.(type) {
	case []any, map[string]any:
		return errors.New("has several values and takes one")
	}
	text := strings.TrimSpace(fmt.Sprint(raw))
	if u, ok := s.field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		err := u.UnmarshalText([]byte(text))
		if err != nil && s.key == "log.level" {
			return fmt.Errorf("%q is no level; write debug, info, warn or error", text)
		}
		return quoted(text, err)
	}
	if s.field.Type() == reflect.TypeFor[time.Duration]() {
		d, err := parseDuration(text)
		if err != nil {
			return quoted(text, err)
		}
		s.field.SetInt(int64(d))
		return nil
	}
	switch s.field.Kind() {
	case reflect.Bool:
		b, err := parseBool(text)
		if err != nil {
			return quoted(text, err)
		}
		s.field.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		s.field.SetInt(int64(n))
	default:
		s.field.SetString(text)
	}
	return nil
}

// quoted puts the value before what is wrong with it.
func quoted(text string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%q %w", text, err)
}

// putPrefixes reads a list of address ranges: a YAML list, or text with
// commas.
func (s setting) putPrefixes(raw any) error {
	var words []string
	switch v := raw.(type) {
	case []any:
		for _, w := range v {
			words = append(words, fmt.Sprint(w))
		}
	default:
		words = strings.Split(fmt.Sprint(v), ",")
	}
	var list []netip.Prefix
	for _, w := range words {
		if w = strings.TrimSpace(w); w == "" {
			continue
		}
		p, err := parsePrefix(w)
		if err != nil {
			return err
		}
		list = append(list, p)
	}
	s.field.Set(reflect.ValueOf(list))
	return nil
}

// parsePrefix takes a range in CIDR form or one address.
func parsePrefix(w string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(w); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(w)
	if err != nil {
		return p, fmt.Errorf("%q is no address range; write one like 10.0.0.0/8", w)
	}
	return p.Masked(), nil
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("is neither true nor false")
}

// parseDuration is time.ParseDuration with words for the two usual slips.
func parseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("has no unit; write %ss, %sm or %sh", text, text, text)
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			return 0, fmt.Errorf("counts days; write it in hours: %dh", n*24)
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("is no duration; write one like 30s, 15m or 72h")
	}
	return d, nil
}
