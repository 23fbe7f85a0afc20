-- A run that goes on anew keeps its seq: its history begins at position
-- base_pos, with the paths from base on.
ALTER TABLE runs ADD COLUMN base INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN base_pos INTEGER NOT NULL DEFAULT 0;

-- Histories that were left behind, up to a position, to be removed once the
-- spans up to due were sent; 0: at once.
CREATE TABLE leftovers (
    due INTEGER NOT NULL,
    run INTEGER NOT NULL,
    pos INTEGER NOT NULL,
    CONSTRAINT leftovers_pk PRIMARY KEY (due, run)
) STRICT, WITHOUT ROWID;
