-- Where phones are rung, and what is on its way there.
CREATE TABLE addresses (
    key      TEXT PRIMARY KEY,
    rev      INTEGER NOT NULL,
    doc      TEXT NOT NULL, -- store.Address
    user     TEXT NOT NULL,
    provider TEXT NOT NULL,
    seen     INTEGER NOT NULL,
    expires  INTEGER NOT NULL  -- may be swept behind it
) STRICT;

CREATE INDEX addresses_user ON addresses (user, key);

CREATE INDEX addresses_expires ON addresses (expires);

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
) STRICT;

CREATE INDEX deliveries_due ON deliveries (lane, next, key) WHERE open = 1;

CREATE INDEX deliveries_oldest ON deliveries (lane, due) WHERE open = 1;

CREATE INDEX deliveries_state ON deliveries (state, key);

CREATE INDEX deliveries_batch ON deliveries (batch, state) WHERE batch <> '';

CREATE INDEX deliveries_expires ON deliveries (expires);
