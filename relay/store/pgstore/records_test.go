package pgstore

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"relevo/relay/store/pgstore/pgtest"
)

func TestRecordsReachTheDatabaseAsTheyAre(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	registerRecords(conn.TypeMap())
	for _, in := range []records{{}, {[]byte(`{"a": 1}`)}, {nil, []byte(`[]`), nil, []byte(`"é"`)}} {
		rows, err := conn.Query(t.Context(), `SELECT r::text FROM unnest($1::json[]) WITH ORDINALITY AS u(r, n) ORDER BY n`, in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[*string])
		if err != nil || len(got) != len(in) {
			t.Fatalf("%d records became %d, %v", len(in), len(got), err)
		}
		for i, s := range got {
			if (s == nil) != (in[i] == nil) || s != nil && *s != string(in[i]) {
				t.Errorf("%q became %v", in[i], s)
			}
		}
	}
	if _, err := conn.Exec(t.Context(), `SELECT $1::json[]`, records{[]byte(`{`)}); err == nil {
		t.Error("what is no JSON was taken")
	}
}
