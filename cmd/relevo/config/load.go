package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// Input is what a configuration is made of. Nothing else is read.
type Input struct {
	// File is the YAML file, empty for none.
	File string
	// Environ are the variables, as "NAME=value".
	Environ []string
	// Flags are the flags that were given, by the name of their setting.
	Flags map[string]string
	// ReadFile reads the YAML file and the files of secrets.
	ReadFile func(name string) ([]byte, error)
}

// Load makes the configuration: defaults, then the file, then the
// environment, then the flags; the last one that speaks wins. Its error is
// Problems, which lists everything that is wrong at once.
func Load(in Input) (Config, Sources, error) {
	l := &loader{Input: in, all: koanf.New("."), sources: Sources{}}
	l.file()
	l.environment()
	l.flags()
	c := Default()
	for _, s := range settings(&c) {
		if !l.all.Exists(s.key) {
			continue
		}
		if err := s.put(l.all.Get(s.key)); err != nil {
			l.problem(s.key, err.Error())
		}
	}
	for _, p := range c.tidy() {
		if !l.hasProblem(p.Key) {
			l.problem(p.Key, p.What)
		}
	}
	if len(l.problems) > 0 {
		return Config{}, l.sources, l.problems
	}
	return c, l.sources, nil
}

// loader lays one layer over the other and remembers who said what.
type loader struct {
	Input
	all      *koanf.Koanf
	sources  Sources
	problems Problems
}

// problem notes a fault of a setting, with the place that its value is from.
func (l *loader) problem(key, what string) {
	l.problems = append(l.problems, Problem{Key: key, Source: l.sources[key], What: what})
}

func (l *loader) hasProblem(key string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Key == key })
}

// layer adds what one source says. A key that there is not is a problem and
// is left out.
func (l *loader) layer(from *koanf.Koanf, source func(key string) Source) {
	known := Keys()
	for _, key := range from.Keys() {
		if slices.Contains(known, key) {
			l.sources[key] = source(key)
			continue
		}
		if from.Get(key) != nil || !isSection(known, key) {
			l.problems = append(l.problems, Problem{Key: key, Source: source(key), What: unknown(key, known)})
		}
		from.Delete(key)
	}
	if err := l.all.Merge(from); err != nil {
		l.problems = append(l.problems, Problem{What: err.Error()})
	}
}

func (l *loader) file() {
	if l.File == "" {
		return
	}
	b, err := l.ReadFile(l.File)
	if err != nil {
		l.problems = append(l.problems, Problem{What: fmt.Sprintf("the configuration file cannot be read: %v", err)})
		return
	}
	k := koanf.New(".")
	lines, err := keyLines(b)
	if err == nil {
		err = k.Load(document(b), yaml.Parser())
	}
	if err != nil {
		l.problems = append(l.problems, Problem{What: fmt.Sprintf("%s is no YAML that can be read: %s", l.File, strings.TrimPrefix(err.Error(), "yaml: "))})
		return
	}
	l.layer(k, func(key string) Source { return Source{Kind: FromFile, Name: l.File, Line: lines[key]} })
}

func (l *loader) environment() {
	names := map[string]string{} // variable by key
	k := koanf.New(".")
	err := k.Load(env.Provider(".", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return l.Environ },
		TransformFunc: func(name, value string) (string, any) {
			key, v := l.variable(name, value)
			if other, ok := names[key]; ok && key != "" {
				l.problems = append(l.problems, Problem{Key: key, What: fmt.Sprintf("is set twice, by %s and by %s; keep one", other, name)})
			}
			if key != "" {
				names[key] = name
			}
			return key, v
		},
	}), nil)
	if err != nil {
		l.problems = append(l.problems, Problem{What: err.Error()})
		return
	}
	l.layer(k, func(key string) Source { return Source{Kind: FromEnv, Name: names[key]} })
}

// variable turns one variable into a key and a value; the key is empty where
// the variable sets nothing.
func (l *loader) variable(name, value string) (key string, _ any) {
	if foreign(name) {
		return "", nil
	}
	for _, s := range settings(new(Config)) {
		switch {
		case name == s.env():
			if value == "" && !s.mayBeEmpty() {
				return "", nil
			}
			return s.key, value
		case s.secret() && name == s.env()+"_FILE":
			if value == "" {
				return "", nil
			}
			b, err := l.ReadFile(value)
			if err != nil {
				l.problems = append(l.problems, Problem{Key: s.key, Source: Source{Kind: FromEnv, Name: name}, What: fmt.Sprintf("its file cannot be read: %v", err)})
				return "", nil
			}
			return s.key, string(b)
		}
	}
	l.problems = append(l.problems, Problem{Key: name, What: unknown(name, variables())})
	return "", nil
}

func (l *loader) flags() {
	k := koanf.New(".")
	for _, key := range slices.Sorted(maps.Keys(l.Flags)) {
		if err := k.Set(key, l.Flags[key]); err != nil {
			l.problems = append(l.problems, Problem{Key: key, What: err.Error()})
		}
	}
	l.layer(k, func(key string) Source { return Source{Kind: FromFlag, Name: FlagName(key)} })
}

// document hands koanf bytes that were read already.
type document []byte

func (d document) ReadBytes() ([]byte, error)    { return d, nil }
func (d document) Read() (map[string]any, error) { return nil, nil }
