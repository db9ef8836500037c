-- A head says whether its log may hold refusals of edits that were meant for other
-- scopes. Heads that were written before they could say so learn it from the books.
UPDATE head SET doc = json_set(doc, '$.foreign', json('true'))
WHERE EXISTS (SELECT 1 FROM page p WHERE p.scope = head.scope AND p.about <> p.scope)
   OR EXISTS (SELECT 1 FROM log l WHERE l.scope = head.scope AND l.generation = head.generation AND l.seq > head.applied);
