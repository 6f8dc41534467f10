package boltstore

import (
	"errors"
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"relevo/queue"
	"relevo/relay"
)

// schema is the version of the layout that this program writes.
const schema = 2

// migrations[i] brings a file from version i to i+1. They run in one
// transaction, so a file is of one version or the other, never between.
var migrations = [schema]func(*bolt.Tx) error{
	createTables,
	lanesByWorkspace,
}

func createTables(b *bolt.Tx) error {
	for t := range buckets {
		if _, err := b.CreateBucketIfNotExists(t.name()); err != nil {
			return err
		}
	}
	return nil
}

// lanesByWorkspace is schema 2: a lane's id begins with its workspace's, and
// the directory of callbacks leads from a channel to its workspace.
func lanesByWorkspace(b *bolt.Tx) error {
	if err := createTables(b); err != nil {
		return err
	}
	ids := map[string]string{} // by the old ones
	err := rewrite(b, bLane, func(key string, l *queue.Lane) (string, error) {
		id := l.Workspace + "/" + l.ID
		ids[l.ID], l.ID = id, id
		if l.Lease.Lane != "" {
			l.Lease.Lane = id
		}
		return id, nil
	})
	if err != nil {
		return err
	}
	err = rewrite(b, bItem, func(key string, i *queue.Item) (string, error) {
		if id, ok := ids[i.Lane]; ok { // else its lane is damaged, and it is told when it is loaded
			i.Lane = id
		}
		return key, nil
	})
	if err != nil {
		return err
	}
	err = rewrite(b, bMessage, func(key string, m *relay.Message) (string, error) {
		m.Lane = m.Workspace + "/" + m.Lane
		return key, nil
	})
	if err != nil {
		return err
	}
	return rewrite(b, bChannel, func(key string, c *relay.Channel) (string, error) {
		v, err := encode(bCallback, c.ID, c.Workspace)
		if err != nil {
			return key, err
		}
		return key, b.Bucket(bCallback.name()).Put([]byte(c.ID), v)
	})
}

// rewrite changes every row of a table; change returns the row's new key. A
// row that is damaged stays as it is, for Verify to find: it must not keep
// everything else from being sent.
func rewrite[T any](b *bolt.Tx, table bucket, change func(key string, row *T) (string, error)) error {
	type changed struct {
		old, key string
		v        []byte
	}
	var all []changed
	err := b.Bucket(table.name()).ForEach(func(k, v []byte) error {
		row, err := decode[T](table, string(k), v)
		if err != nil {
			return nil
		}
		key, err := change(string(k), &row)
		if err != nil {
			return err
		}
		enc, err := encode(table, key, row)
		all = append(all, changed{string(k), key, enc})
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.old != c.key {
			if err := b.Bucket(table.name()).Delete([]byte(c.old)); err != nil {
				return err
			}
		}
		if err := b.Bucket(table.name()).Put([]byte(c.key), c.v); err != nil {
			return err
		}
	}
	return nil
}

// migrate brings the file to this program's version.
func migrate(b *bolt.Tx) error {
	v, err := version(b)
	if err != nil {
		return err
	}
	if v > schema {
		return newerErr(v)
	}
	if v == schema {
		return createTables(b) // those that came without a new schema: earlier programs let them be
	}
	for ; v < schema; v++ {
		if err := migrations[v](b); err != nil {
			return fmt.Errorf("migrate from schema %d: %w", v, err)
		}
	}
	return b.Bucket(bMeta.name()).Put([]byte("schema"), seal(bMeta, "schema", []byte(strconv.Itoa(schema))))
}

func newerErr(v int) error {
	return fmt.Errorf("this file is of schema %d, and this program knows up to %d: use the newer program that wrote it", v, schema)
}

func version(b *bolt.Tx) (int, error) {
	meta := b.Bucket(bMeta.name())
	if meta == nil {
		return 0, nil
	}
	v := meta.Get([]byte("schema"))
	if v == nil {
		return 0, nil
	}
	payload, err := unseal(bMeta, "schema", v)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(payload))
}

// checkSchema refuses, without writing, a file that is not of this version.
func checkSchema(b *bolt.Tx) error {
	v, err := version(b)
	switch {
	case err != nil:
		return err
	case v > schema:
		return newerErr(v)
	case v == 0:
		return errors.New("this file holds no Relevo data")
	case v < schema:
		return fmt.Errorf("this file is of schema %d; start `relevo serve` once to bring it to %d", v, schema)
	}
	return nil
}

// load fills the memory from the file. A row that is damaged stays out of it,
// with an alarm: it must not keep everything else from being sent. Verify finds
// what is missing then.
func (s *Store) load(b *bolt.Tx) error {
	loadRows(s, b, bLane, func(_ string, l queue.Lane) error {
		s.lanes.setLane(l)
		return nil
	})
	loadRows(s, b, bItem, func(_ string, i queue.Item) error {
		if s.lanes.lanes[i.Lane] == nil {
			return fmt.Errorf("item %s is on lane %s, which is not there", i.ID, i.Lane)
		}
		s.lanes.setItem(i.ID, &i)
		return nil
	})
	for _, l := range s.lanes.lanes {
		s.lanes.schedule(l)
	}
	loadRows(s, b, bFetch, func(key string, f relay.Fetch) error {
		s.lanes.fetches[key] = f.Next
		return nil
	})
	return nil
}

func loadRows[T any](s *Store, b *bolt.Tx, table bucket, take func(key string, row T) error) {
	c := b.Bucket(table.name()).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		row, err := decode[T](table, string(k), v)
		if err == nil {
			err = take(string(k), row)
		}
		if err != nil {
			s.opt.Log.Error("ALARM: a row cannot be used; stop the server and run relevo verify", "table", bucketNames[table], "key", fmt.Sprintf("%x", k), "error", err)
		}
	}
}
