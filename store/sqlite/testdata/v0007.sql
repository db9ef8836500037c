CREATE TABLE addresses (
    key      TEXT PRIMARY KEY,
    rev      INTEGER NOT NULL,
    doc      TEXT NOT NULL, -- store.Address
    user     TEXT NOT NULL,
    provider TEXT NOT NULL,
    seen     INTEGER NOT NULL,
    expires  INTEGER NOT NULL  -- may be swept behind it
) STRICT;
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
CREATE TABLE claim (
    space  TEXT NOT NULL,
    key    TEXT NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE contacts (
    device TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    oldest INTEGER NOT NULL, -- instant of the oldest unsent edit
    unsent INTEGER NOT NULL
) STRICT;
CREATE TABLE credentials (
    key TEXT PRIMARY KEY, -- of the user
    rev INTEGER NOT NULL,
    doc TEXT NOT NULL -- store.Credential
) STRICT;
CREATE TABLE deliveries (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    doc     TEXT NOT NULL, -- store.Delivery
    lane    TEXT NOT NULL,
    open    INTEGER NOT NULL, -- 1: still to be sent
    next    INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    state   TEXT NOT NULL,
    batch   TEXT NOT NULL,
    expires INTEGER NOT NULL  -- may be swept behind it
, provider TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE devices (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    user    TEXT NOT NULL,
    created INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Device
) STRICT;
CREATE TABLE head (
    scope      TEXT PRIMARY KEY,
    generation INTEGER NOT NULL, -- count
    applied    INTEGER NOT NULL,
    doc        TEXT NOT NULL     -- store.Head
) STRICT;
CREATE TABLE head_access (
    user  TEXT NOT NULL,
    scope TEXT NOT NULL REFERENCES head (scope),
    PRIMARY KEY (user, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE head_todo (
    follower TEXT NOT NULL,
    scope    TEXT NOT NULL REFERENCES head (scope),
    PRIMARY KEY (follower, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE incarnations (
    key TEXT PRIMARY KEY,
    rev INTEGER NOT NULL,
    doc TEXT NOT NULL -- store.Incarnation
) STRICT;
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
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
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
CREATE TABLE record_tag (
    scope      TEXT NOT NULL,
    tag        TEXT NOT NULL,
    collection TEXT NOT NULL,
    id         TEXT NOT NULL,
    PRIMARY KEY (scope, tag, collection, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE replies (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Reply
) STRICT;
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE sessions (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    user    TEXT NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Session
) STRICT;
CREATE TABLE signing_keys (
    key    TEXT PRIMARY KEY,
    rev    INTEGER NOT NULL,
    number INTEGER NOT NULL UNIQUE,
    doc    TEXT NOT NULL -- store.SigningKey
) STRICT;
CREATE TABLE tallies (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.Tally
) STRICT;
CREATE TABLE totals (
    key     TEXT PRIMARY KEY,
    n       INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE TABLE users (
    key     TEXT PRIMARY KEY,
    rev     INTEGER NOT NULL,
    phone   TEXT, -- NULL once erased
    changed INTEGER NOT NULL,
    doc     TEXT NOT NULL -- store.User
) STRICT;
CREATE INDEX addresses_expires ON addresses (expires);
CREATE INDEX addresses_user ON addresses (user, key);
CREATE INDEX challenges_expires ON challenges (expires);
CREATE INDEX challenges_phone ON challenges (phone, purpose, install, created);
CREATE INDEX challenges_unsent ON challenges (created) WHERE unsent = 1;
CREATE INDEX deliveries_batch ON deliveries (batch, state) WHERE batch <> '';
CREATE INDEX deliveries_due ON deliveries (lane, provider, next, key) WHERE open = 1;
CREATE INDEX deliveries_expires ON deliveries (expires);
CREATE INDEX deliveries_oldest ON deliveries (lane, due) WHERE open = 1;
CREATE INDEX deliveries_state ON deliveries (state, key);
CREATE INDEX devices_user ON devices (user, created);
CREATE INDEX head_access_scope ON head_access (scope);
CREATE INDEX head_applied ON head (scope, generation, applied);
CREATE INDEX head_todo_scope ON head_todo (scope);
CREATE INDEX record_order ON record (scope, version, place);
CREATE INDEX replies_expires ON replies (expires);
CREATE INDEX sessions_revoked ON sessions (revoked) WHERE revoked > 0;
CREATE INDEX sessions_user ON sessions (user, created);
CREATE INDEX tallies_expires ON tallies (expires);
CREATE INDEX totals_expires ON totals (expires);
CREATE INDEX users_changed ON users (changed);
CREATE UNIQUE INDEX users_phone ON users (phone);
INSERT INTO head VALUES ('s', 1, 3, '{"scope":"s","generation":"1.n","applied":3,"time":3,"chain":"3","sum":3,"pruned":0,"access":[{"id":"m","user":"u1","role":"owner","from":0}],"revision":4}');
INSERT INTO head VALUES ('empty', 1, 0, '{"scope":"empty","generation":"1.n","applied":0,"time":0,"chain":"","sum":0,"pruned":0,"access":[{"id":"m","user":"u1","role":"owner","from":0}],"revision":1}');
INSERT INTO claim VALUES ('nib', '1', 's');
INSERT INTO credentials VALUES ('u1', 1, '{"user":"u1","step":7}');
INSERT INTO deliveries VALUES ('p1', 1, '{"id":"p1","provider":"fcm","lane":"bulk","state":"pending"}', 'bulk', 1, 0, 0, 'pending', '', 9223372036854775807, 'fcm');
INSERT INTO head_access VALUES ('u1', 'empty');
INSERT INTO head_access VALUES ('u1', 's');
INSERT INTO log VALUES ('s', 1, 1, 'n', 'c1', 1, '1', '{"lines":null,"records":[{"c":"sales","i":"all","v":1,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":1},"s":{"b":-1,"t":0,"w":null},"t":["tag"]},{"c":"sales","i":"000000000000000000000000000000000001","v":1,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":1},"s":{"b":-1,"t":0,"w":null}}],"pages":[{"About":"s","Device":"d","Incarnation":"x7","Page":0,"Version":1,"Entries":{"a":"AQAAAAAAAAAAAgA"}}],"access":[{"id":"m","user":"u1","role":"owner","from":0}],"sum":"1"}');
INSERT INTO log VALUES ('s', 1, 2, 'n', 'c2', 2, '2', '{"lines":null,"records":[{"c":"sales","i":"all","v":2,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":2},"s":{"b":-1,"t":0,"w":null},"t":["tag"]},{"c":"sales","i":"000000000000000000000000000000000002","v":2,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":2},"s":{"b":-1,"t":0,"w":null}}],"pages":[{"About":"s","Device":"d","Incarnation":"x7","Page":0,"Version":2,"Entries":{"a":"AgAAAAAAAAAABAA"}}],"access":[{"id":"m","user":"u1","role":"owner","from":0}],"sum":"2"}');
INSERT INTO log VALUES ('s', 1, 3, 'n', 'c3', 3, '3', '{"lines":null,"records":[{"c":"sales","i":"all","v":3,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":3},"s":{"b":-1,"t":0,"w":null},"t":["tag"]},{"c":"sales","i":"000000000000000000000000000000000003","v":3,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":3},"s":{"b":-1,"t":0,"w":null}}],"pages":[{"About":"s","Device":"d","Incarnation":"x7","Page":0,"Version":3,"Entries":{"a":"AwAAAAAAAAAABgA"}}],"access":[{"id":"m","user":"u1","role":"owner","from":0}],"sum":"3"}');
INSERT INTO log VALUES ('s', 1, 4, 'n', 'c4', 4, '4', '{"lines":null,"records":[{"c":"sales","i":"all","v":4,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":4},"s":{"b":-1,"t":0,"w":null},"t":["tag"]},{"c":"sales","i":"000000000000000000000000000000000004","v":4,"f":{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":4},"s":{"b":-1,"t":0,"w":null}}],"pages":[{"About":"s","Device":"d","Incarnation":"x7","Page":0,"Version":4,"Entries":{"a":"BAAAAAAAAAAACAA"}}],"access":[{"id":"m","user":"u1","role":"owner","from":0}],"sum":"4"}');
INSERT INTO meta VALUES ('backups_began', 1);
INSERT INTO meta VALUES ('backups_done', 0);
INSERT INTO page VALUES ('s', 's', 'd', 'x7', 0, 1, 3, '{"a":"AwAAAAAAAAAABgA"}');
INSERT INTO record VALUES ('s', 'sales', 'all', 1, 3, 0, 0, '{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":3}', '{"b":-1,"t":0,"w":null}', '["tag"]');
INSERT INTO record VALUES ('s', 'sales', '000000000000000000000000000000000001', 1, 1, 1, 0, '{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":1}', '{"b":-1,"t":0,"w":null}', '[]');
INSERT INTO record VALUES ('s', 'sales', '000000000000000000000000000000000002', 1, 2, 1, 0, '{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":2}', '{"b":-1,"t":0,"w":null}', '[]');
INSERT INTO record VALUES ('s', 'sales', '000000000000000000000000000000000003', 1, 3, 1, 0, '{"amount":150000,"note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","seq":3}', '{"b":-1,"t":0,"w":null}', '[]');
INSERT INTO record_tag VALUES ('s', 'tag', 'sales', 'all');
INSERT INTO schema_version VALUES (1, '0001_log.sql');
INSERT INTO schema_version VALUES (2, '0002_identity.sql');
INSERT INTO schema_version VALUES (3, '0003_foreign.sql');
INSERT INTO schema_version VALUES (4, '0004_order.sql');
INSERT INTO schema_version VALUES (5, '0005_credentials.sql');
INSERT INTO schema_version VALUES (6, '0006_pushes.sql');
INSERT INTO schema_version VALUES (7, '0007_deliveries_by_provider.sql');
INSERT INTO users VALUES ('u1', 1, '+628117000001', 1651716669000, '{"id":"u1","phone":"+628117000001","status":"active","changed":"2022-05-05T02:11:09Z","created":"2022-05-05T02:11:09Z"}');
