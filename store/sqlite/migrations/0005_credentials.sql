-- What people with a password prove themselves with, one document of a user.
CREATE TABLE credentials (
    key TEXT PRIMARY KEY, -- of the user
    rev INTEGER NOT NULL,
    doc TEXT NOT NULL -- store.Credential
) STRICT;
