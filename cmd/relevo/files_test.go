package main

import (
	"testing"

	"relevo/relay"
	"relevo/relay/media"
)

// Two rooms that may not import each other say how a file is shown: relay at
// accept, media when it looks into the file.
func TestBothRoomsAgreeOnTheKindOfAFile(t *testing.T) {
	names := []string{"a", "a.", ".png", "a.bin", "A.PNG", "a.png", "a.jpg", "a.jpeg", "a.webp", "a.gif", "a.svg", "a.heic", "a.mp4", "a.3gp", "a.3gpp", "a.mov",
		"a.aac", "a.amr", "a.mp3", "a.m4a", "a.ogg", "a.opus", "a.wav", "a.pdf", "a.docx", "a.csv", "a.png.pdf", "a.pdf.png"}
	kinds := map[relay.FileKind]int{}
	for _, name := range names {
		got := relay.KindOf(name)
		if want := relay.FileKind(media.KindOf(name)); got != want {
			t.Errorf("%q is %q to relay and %q to media", name, got, want)
		}
		kinds[got]++
	}
	if len(kinds) != 4 {
		t.Errorf("the names cover %v, want all four kinds", kinds)
	}
}
