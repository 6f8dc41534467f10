package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// be is 8 big-endian bytes: they sort as the number does.
func be(n int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return string(b[:])
}

func fromBE(s string) int64 { return int64(binary.BigEndian.Uint64([]byte(s))) }

// rawLen is how many bytes the key of a message id has.
const rawLen = 9

// rawID is the key of a message id.
func rawID(id string) (string, error) {
	raw, ok := relay.RawMessageID(id)
	if !ok {
		return "", fmt.Errorf("%w: malformed message id", relay.ErrNotFound)
	}
	return string(raw[:]), nil
}

func idOf(key string) string { return relay.FormatMessageID([9]byte([]byte(key))) }

func keyKey(workspace, key string) string {
	h := sha256.Sum256([]byte(key))
	return workspace + string(h[:16])
}

func chatKey(workspace, channel, recipient string) string { return workspace + channel + recipient }

// chatIDKey sorts as the number does: longer ones after shorter ones.
func chatIDKey(workspace, id string) string { return workspace + string([]byte{byte(len(id))}) + id }

// kindBytes orders entries of one instant and tells apart their keys.
var kindBytes = map[quota.Kind]byte{
	quota.KindGrant: 1, quota.KindExpire: 2, quota.KindDebit: 3, quota.KindSpend: 4, quota.KindRefund: 5, quota.KindRedebit: 6,
}

func ledgerKey(workspace string, at time.Time, kind quota.Kind) string {
	return workspace + be(at.UnixMicro()) + string(kindBytes[kind])
}

func grantKey(workspace string, kind quota.Kind, ref string) string {
	return workspace + string(kindBytes[kind]) + ref
}

func minuteKey(workspace string, at time.Time) string {
	return workspace + be(at.Unix()/60)
}
