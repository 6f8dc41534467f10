package pgstore

import (
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// records are a parameter of type json[], as encode made them; nil is NULL.
// They are most of what an accept sends, so they go out in one piece: pgx
// would take them one by one, in a buffer that grows as it goes.
type records [][]byte

// recordsCodec is pgx's codec of json[] and knows records.
type recordsCodec struct{ pgtype.Codec }

// registerRecords makes a connection take records.
func registerRecords(m *pgtype.Map) {
	if t, ok := m.TypeForOID(pgtype.JSONArrayOID); ok {
		m.RegisterType(&pgtype.Type{Name: t.Name, OID: t.OID, Codec: recordsCodec{t.Codec}})
	}
}

// PlanEncode is how a value becomes a parameter.
func (c recordsCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(records); ok && format == pgtype.BinaryFormatCode {
		return encodeRecords{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type encodeRecords struct{}

// Encode writes an array of one dimension in PostgreSQL's binary form: the
// number of dimensions, whether there are NULLs, the type of the elements, how
// many there are and the first one's number; then each after its length.
func (encodeRecords) Encode(value any, buf []byte) ([]byte, error) {
	rs := value.(records)
	size, nulls := 5*4, uint32(0)
	for _, r := range rs {
		size += 4 + len(r)
		if r == nil {
			nulls = 1
		}
	}
	buf = slices.Grow(buf, size)
	for _, n := range [...]uint32{1, nulls, pgtype.JSONOID, uint32(len(rs)), 1} {
		buf = binary.BigEndian.AppendUint32(buf, n)
	}
	for _, r := range rs {
		length := uint32(len(r))
		if r == nil {
			length = 1<<32 - 1 // -1
		}
		buf = append(binary.BigEndian.AppendUint32(buf, length), r...)
	}
	return buf, nil
}
