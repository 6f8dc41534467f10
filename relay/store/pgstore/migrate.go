package pgstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that goose speaks through
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to date: forward only, one process at a time.
// It refuses a database whose schema is newer than this program knows.
func Migrate(ctx context.Context, url string) error {
	p, db, err := provider(url)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return silent(err)
	}
	have, known, err := versions(ctx, p)
	if err != nil {
		return err
	}
	if have > known {
		return newerErr(have, known)
	}
	if have == known {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

// Schema tells the version of a database's schema and the newest one that
// this program knows.
func Schema(ctx context.Context, url string) (have, known int64, err error) {
	p, db, err := provider(url)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return 0, 0, silent(err)
	}
	return versions(ctx, p)
}

// silent is the error of a database that does not answer.
func silent(err error) error {
	return fmt.Errorf("PostgreSQL does not answer; is it running, and is store.url right? %w", err)
}

func newerErr(have, known int64) error {
	return fmt.Errorf("the database is of schema %d, and this program knows up to %d: use the newer program that brought it there", have, known)
}

func versions(ctx context.Context, p *goose.Provider) (have, known int64, err error) {
	for _, s := range p.ListSources() {
		known = max(known, s.Version)
	}
	if have, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	return have, known, nil
}

// Nodes that start together wait for the one that migrates: a look every
// second, for ten minutes.
const lockEvery, lockTries = 1, 600

func provider(url string) (*goose.Provider, *sql.DB, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, nil, errors.New("store: the connection string of PostgreSQL cannot be read; it begins with postgres:// and names host and database")
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockEvery, lockTries))
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read the migrations: %w", err), db.Close())
	}
	return p, db, nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
