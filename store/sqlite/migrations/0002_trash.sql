-- Deleted runs, by seq, that still have rows in other tables. A seq is never
-- given to another run.
CREATE TABLE trash (
    run INTEGER NOT NULL CONSTRAINT trash_pk PRIMARY KEY
) STRICT;
