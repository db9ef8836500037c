package sqlite

import (
	"context"
	"database/sql"
)

// hot holds the statements of the paths that most requests take, prepared once.
// Those of the writer are used through tx.StmtContext.
type hot struct {
	heads, headOf, keyed, tagged, pages, newest, changed, top, entry, chain *sql.Stmt // on the readers

	headIn, putHead, insertLog, stored, putRecord, dropTag, addTag, putPage, condition *sql.Stmt // on the writer
}

func (d *DB) prepare(ctx context.Context) error {
	for _, s := range []struct {
		to    **sql.Stmt
		on    *sql.DB
		query string
	}{
		{&d.hot.heads, d.read, headsFor},
		{&d.hot.headOf, d.read, headOf},
		{&d.hot.keyed, d.read, recordsByKey},
		{&d.hot.tagged, d.read, recordsByTag},
		{&d.hot.pages, d.read, pagesByKey},
		{&d.hot.newest, d.read, newestPages},
		{&d.hot.changed, d.read, changedRecords},
		{&d.hot.top, d.read, highestVersion},
		{&d.hot.entry, d.read, logEntry},
		{&d.hot.chain, d.read, logChain},
		{&d.hot.headIn, d.single, headOf},
		{&d.hot.putHead, d.single, putHead},
		{&d.hot.insertLog, d.single, insertLog},
		{&d.hot.stored, d.single, storedStamps},
		{&d.hot.putRecord, d.single, putRecord},
		{&d.hot.dropTag, d.single, dropTag},
		{&d.hot.addTag, d.single, addTag},
		{&d.hot.putPage, d.single, putPage},
		{&d.hot.condition, d.single, `SELECT ` + stateNow},
	} {
		if s.on == nil { // opened to look, by nobody who writes
			continue
		}
		var err error
		if *s.to, err = s.on.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	return nil
}
