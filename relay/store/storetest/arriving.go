package storetest

import (
	"testing"
	"time"

	"relevo/relay"
)

func arriving() []storyCase {
	return []storyCase{
		{"ADriverThatPanicsOverAFileTakesNobodyWithIt", panickingMedia},
	}
}

// inboundOf are the files of the only message that people wrote to a channel.
func (w *world) inboundOf(ch relay.Channel) []relay.ReceivedFile {
	w.t.Helper()
	list, _, err := w.store.Inbounds(w.t.Context(), w.ws.ID, ch.ID, "", relay.Page{Limit: 10})
	if err != nil || len(list) != 1 {
		w.t.Fatalf("%d messages were kept, %v", len(list), err)
	}
	return list[0].Files
}

func withFile(id string) relay.Received {
	return relay.Received{Inbound: []relay.Inbound{{ID: id, From: "+14159990000", Kind: "image", At: time.Now(), Files: []relay.InboundFile{{ID: "one"}}}}}
}

func panickingMedia(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.provider.media = func(relay.InboundFile) (string, error) { panic("boom") }
	w.callback(ch, withFile("in"))
	w.dispatch(2 * time.Hour)
	if f := w.inboundOf(ch)[0]; f.Missing == "" || f.Key != "" {
		t.Errorf("the file is %+v", f)
	}
}
