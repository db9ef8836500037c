-- A scope's head is one document. What is needed to find or to guard it stands
-- beside it in columns; head_access and head_todo are indexes derived from it.
CREATE TABLE head (
    scope      TEXT PRIMARY KEY,
    generation INTEGER NOT NULL, -- count
    applied    INTEGER NOT NULL,
    doc        TEXT NOT NULL     -- store.Head
) STRICT;

CREATE INDEX head_applied ON head (scope, generation, applied);

CREATE TABLE head_access (
    user  TEXT NOT NULL,
    scope TEXT NOT NULL REFERENCES head (scope),
    PRIMARY KEY (user, scope)
) STRICT, WITHOUT ROWID;

CREATE INDEX head_access_scope ON head_access (scope);

CREATE TABLE head_todo (
    follower TEXT NOT NULL,
    scope    TEXT NOT NULL REFERENCES head (scope),
    PRIMARY KEY (follower, scope)
) STRICT, WITHOUT ROWID;

CREATE INDEX head_todo_scope ON head_todo (scope);

CREATE TABLE log (
    scope      TEXT NOT NULL,
    generation INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    nonce      TEXT NOT NULL, -- of the generation
    id         TEXT NOT NULL,
    time       INTEGER NOT NULL,
    chain      TEXT NOT NULL,
    body       TEXT NOT NULL, -- store.Commit
    PRIMARY KEY (scope, generation, seq)
) STRICT;

CREATE TABLE record (
    scope      TEXT NOT NULL,
    collection TEXT NOT NULL,
    id         TEXT NOT NULL,
    generation INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    place      INTEGER NOT NULL, -- in its commit
    deleted    INTEGER NOT NULL,
    fields     TEXT NOT NULL,
    state      TEXT NOT NULL,
    tags       TEXT NOT NULL,    -- JSON list
    PRIMARY KEY (scope, collection, id)
) STRICT;

CREATE INDEX record_order ON record (scope, version, place, collection, id);

CREATE TABLE record_tag (
    scope      TEXT NOT NULL,
    tag        TEXT NOT NULL,
    collection TEXT NOT NULL,
    id         TEXT NOT NULL,
    PRIMARY KEY (scope, tag, collection, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE page (
    scope       TEXT NOT NULL,
    about       TEXT NOT NULL,
    device      TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    number      INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    entries     TEXT NOT NULL, -- JSON
    PRIMARY KEY (scope, about, device, incarnation, number)
) STRICT;

CREATE TABLE claim (
    space  TEXT NOT NULL,
    key    TEXT NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

INSERT INTO meta (name, value) VALUES ('backups_began', 0), ('backups_done', 0);
