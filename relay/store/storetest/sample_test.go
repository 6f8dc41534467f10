package storetest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// TestSamplesSetEveryField finds fields that no sample sets: a store that
// forgets them would pass.
func TestSamplesSetEveryField(t *testing.T) {
	ws := "ws_00000000000000000000"
	lane := ws + "/" + sampleChannelID
	set := map[string]bool{}
	for _, sample := range []any{
		sampleWorkspace(), sampleLane(lane), sampleItem(lane), sampleMessage(ws, sampleChannelID), sampleChannel(ws, sampleChannelID),
		sampleChat(ws, sampleChannelID), sampleAttempt(ws), sampleAccount(ws), sampleEntry(ws, quota.KindGrant, "r"), sampleRefs(), sampleKeyUse(),
		sampleFetch(ws), sampleTemplate(ws, sampleChannelID, "en"), sampleInbound(ws, sampleChannelID), sampleCard(ws),
	} {
		note(reflect.ValueOf(sample), fmt.Sprintf("%T", sample), set)
	}
	for _, path := range slices.Sorted(maps.Keys(set)) {
		if !set[path] && path != reflect.TypeFor[relay.Workspace]().String()+".DeletedAt" { // it would be in no list
			t.Errorf("%s is set in no sample", path)
		}
	}
}

// note marks fields as set or, for now, not.
func note(v reflect.Value, path string, set map[string]bool) {
	set[path] = set[path] || !v.IsZero()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			note(v.Elem(), path, set)
		}
	case reflect.Slice:
		for i := range v.Len() {
			note(v.Index(i), path+"[]", set)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			note(v.MapIndex(k), path+"[]", set)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type() != reflect.TypeFor[time.Time]() {
				note(v.Field(i), path+"."+v.Type().Field(i).Name, set)
			}
		}
	}
}
