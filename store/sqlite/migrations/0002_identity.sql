-- What is kept of people, devices and sessions. Every record is one document;
-- beside it stand its revision and what it is found by. Instants are
-- milliseconds since 1970, 0 for none.
CREATE TABLE users (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    phone   TEXT, -- NULL once erased
    changed INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.User
) STRICT;

CREATE UNIQUE INDEX users_phone ON users (phone);
CREATE INDEX users_changed ON users (changed);

CREATE TABLE challenges (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    phone   TEXT NOT NULL,
    purpose TEXT NOT NULL,
    install TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    leased  INTEGER NOT NULL,
    unsent  INTEGER NOT NULL, -- 1 while a sealed code waits
    doc     TEXT NOT NULL -- store.Challenge
) STRICT;

CREATE INDEX challenges_phone ON challenges (phone, purpose, install, created);
CREATE INDEX challenges_unsent ON challenges (created) WHERE unsent = 1;
CREATE INDEX challenges_expires ON challenges (expires);

CREATE TABLE tallies (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Tally
) STRICT;

CREATE INDEX tallies_expires ON tallies (expires);

CREATE TABLE totals (
    key     TEXT PRIMARY KEY,
    n       INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

CREATE INDEX totals_expires ON totals (expires);

CREATE TABLE sessions (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    user    TEXT NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Session
) STRICT;

CREATE INDEX sessions_user ON sessions (user, created);
CREATE INDEX sessions_revoked ON sessions (revoked) WHERE revoked > 0;

CREATE TABLE devices (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    user    TEXT NOT NULL,
    created INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Device
) STRICT;

CREATE INDEX devices_user ON devices (user, created);

CREATE TABLE incarnations (
    key TEXT PRIMARY KEY,
    rev INTEGER NOT NULL,
    doc TEXT NOT NULL -- store.Incarnation
) STRICT;

CREATE TABLE contacts (
    device TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    oldest INTEGER NOT NULL, -- instant of the oldest unsent edit
    unsent INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_keys (
    key    TEXT PRIMARY KEY,
    rev    INTEGER NOT NULL,
    number INTEGER NOT NULL UNIQUE,
    doc    TEXT NOT NULL -- store.SigningKey
) STRICT;

CREATE TABLE replies (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Reply
) STRICT;

CREATE INDEX replies_expires ON replies (expires);
