package media

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestANameIsCleaned(t *testing.T) {
	family := "\U0001F468\u200d\U0001F469" // an emoji joined by an invisible character
	for _, c := range []struct{ name, typed, want string }{
		{"nothing to clean", "logo.png", "logo.png"},
		{"other scripts", "счёт № 7 — 報告.pdf", "счёт № 7 — 報告.pdf"},
		{"spaces inside", "my  report.pdf", "my  report.pdf"},
		{"a path", "/etc/cron.d/logo.png", "logo.png"},
		{"a path upwards", "../../logo.png", "logo.png"},
		{"a Windows path", `C:\Users\ann\logo.png`, "logo.png"},
		{"mixed separators", `a/b\c/logo.png`, "logo.png"},
		{"a folder", "reports/", "reports"},
		{"only a path", "../..", ""},
		{"only separators", `/\/`, ""},
		{"a dot", ".", ""},
		{"two dots", "..", ""},
		{"a hidden file", ".env", "env"},
		{"dots in front", "...logo.png", "logo.png"},
		{"dots at the end", "logo.png...", "logo.png"},
		{"spaces around", "  logo.png\u00a0", "logo.png"},
		{"spaces and dots around", " . logo.png . ", "logo.png"},
		{"a line break", "a\r\nb.png", "a  b.png"},
		{"a zero byte", "logo.png\x00.exe", "logo.png.exe"},
		{"an escape", "\x1b[31mlogo.png", "[31mlogo.png"},
		{"turned around", "photo\u202egnp.exe", "photognp.exe"},
		{"isolates", "\u2066a\u2069.png", "a.png"},
		{"zero width", "lo\u200bgo\ufeff.png", "logo.png"},
		{"a joined emoji falls apart", family + ".png", "\U0001F468\U0001F469.png"},
		{"reserved on Windows", `a<b>c:d"e|f?g*.png`, "a_b_c_d_e_f_g_.png"},
		{"not UTF-8", "caf\xe9.png", "caf.png"},
		{"empty", "", ""},
		{"only spaces", " \t\u3000", ""},
		{"too long", strings.Repeat("a", 300) + ".png", strings.Repeat("a", 251) + ".png"},
		{"too long in Cyrillic", strings.Repeat("я", 200) + ".pdf", strings.Repeat("я", 125) + ".pdf"},
		{"too long without ending", strings.Repeat("я", 200), strings.Repeat("я", 127)},
		{"too long with a sentence behind the dot", "a." + strings.Repeat("b", 300), "a." + strings.Repeat("b", 253)},
		{"a space where it is cut", strings.Repeat("a", 250) + " bbbb.png", strings.Repeat("a", 250) + ".png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := CleanName(c.typed); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{
		"logo.png", "../a\\b", "...", "a\u202eb", "\xff\xfe", strings.Repeat("я", 300) + ".pdf",
		strings.Repeat(" .", 200) + "x", strings.Repeat("a", 239) + " . .  ." + strings.Repeat("b", 15),
		"a/\u200b", "\u2028", "CON:", "x. \u00ad.",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got := CleanName(typed)
		if again := CleanName(got); again != got {
			t.Errorf("cleaned again: %q, want %q", again, got)
		}
		if !utf8.ValidString(got) || len(got) > MaxName {
			t.Errorf("%q: %d bytes, or not UTF-8", got, len(got))
		}
		if got == "." || got == ".." || strings.TrimSpace(got) != got || strings.ContainsAny(got, `/\<>:"|?*`) {
			t.Errorf("%q is no plain name", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) {
				t.Errorf("%q holds %U", got, r)
			}
		}
	})
}

func TestTheKindFollowsTheEnding(t *testing.T) {
	for name, want := range map[string]string{
		"a.jpg": Image, "a.JPEG": Image, "a.png": Image,
		"a.mp4": Video, "a.3gp": Video, "a.3gpp": Video,
		"a.aac": Audio, "a.amr": Audio, "a.mp3": Audio, "a.m4a": Audio, "a.ogg": Audio, "a.Opus": Audio,
		"a.webp": Document, "a.gif": Document, "a.svg": Document, "a.heic": Document, "a.mov": Document,
		"a.wav": Document, "a.pdf": Document, "a.png.exe": Document, "png": Document, "a": Document, "": Document, "a.": Document,
	} {
		if got := KindOf(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
