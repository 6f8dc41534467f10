package api

import (
	"encoding/json"
	"net/http"
	"testing"
)

// capturedPaths takes the paths that are shown of a payload, makes a mapping of
// them, and sends the payload again.
func capturedPaths(t *testing.T, h *house) {
	for name, payload := range map[string]string{
		"inside data":          `{"event":"new","data":{"phone":"+14151231234","text":"hi"}}`,
		"inside data, alone":   `{"data":{"phone":"+14151231234","text":"hi"}}`,
		"inside a list":        `{"data":[{"phone":"+14151231234","text":"hi"}]}`,
		"inside a text":        `{"body":"{\"phone\":\"+14151231234\",\"text\":\"hi\"}","phone_2":"+14151231234","text_2":"hi"}`,
		"as it is":             `{"contact":{"phone":"+14151231234"},"note":"hi"}`,
		"in a form":            `data[phone]=%2B14151231234&data[text]=hi`,
		"in a list of objects": `[{"data":{"phone":"+14151231234"},"note":"hi"}]`,
	} {
		h.patch(`{"mapping":null}`)
		h.object(h.api(http.MethodPost, "webhook/listen", ""), 200)
		h.accepted(h.post(payload))
		var v listenView
		if err := json.Unmarshal(h.api(http.MethodGet, "webhook/listen", "").Body.Bytes(), &v); err != nil || v.Captured == nil {
			t.Fatalf("%s: got %+v, %v", name, v, err)
		}
		var tried tryView
		if err := json.Unmarshal(h.api(http.MethodPost, "webhook/try", `{"attempt_id":"`+v.Captured.AttemptID+`"}`).Body.Bytes(), &tried); err != nil {
			t.Fatal(err)
		}
		path := map[string]string{}
		for _, leaf := range v.Captured.Paths {
			path[leaf.Value] = leaf.Path
		}
		for _, leaf := range tried.Paths {
			if path[leaf.Value] != leaf.Path {
				t.Errorf("%s: trying it shows the path %s, the capture %s", name, leaf.Path, path[leaf.Value])
			}
		}
		mapping, _ := json.Marshal(map[string]any{"phone": map[string]string{"path": path["+14151231234"]}, "text": map[string]string{"path": path["hi"]}})
		h.patch(`{"mapping":{"fields":` + string(mapping) + `}}`)
		m := h.object(h.api(http.MethodGet, "messages/"+h.accepted(h.post(payload)), ""), 200)
		if m["to"] != "+14151231234" || m["text"] != "hi" {
			t.Errorf("%s: %s sent %v", name, mapping, m)
		}
	}
}
