-- What is due is looked for without the providers that are left alone.
ALTER TABLE deliveries ADD COLUMN provider TEXT NOT NULL DEFAULT '';

UPDATE deliveries SET provider = coalesce(json_extract(doc, '$.provider'), '');

DROP INDEX deliveries_due;

CREATE INDEX deliveries_due ON deliveries (lane, provider, next, key) WHERE open = 1;
