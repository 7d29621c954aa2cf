"""The tables of the ledger, and how files of earlier versions become like it."""

import sqlite3

VERSION = 2
"""What `PRAGMA user_version` says of a file with the tables below; files before version 1 say 0."""

_PARTS = """
CREATE TABLE parts (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,                -- one start of sorting mode
    number INTEGER NOT NULL,          -- its place in the run, from 1
    seen_at TEXT,                     -- when it lay still in the picture; all times UTC, ISO 8601
    decided_at TEXT NOT NULL,
    dropped_at TEXT,                  -- when it was seen to have left the table
    model TEXT NOT NULL,              -- name of the model bundle
    part TEXT,                        -- NULL: nobody was sure, see `doubt`
    probability REAL NOT NULL,        -- calibrated, of the best candidate
    candidates TEXT NOT NULL,         -- JSON, [[label, probability], ...], the best three
    doubt TEXT,                       -- why no part was named; NULL where one was
    bin TEXT NOT NULL,                -- that it was meant for
    picture TEXT,                     -- of its first view; path below the ledger's folder
    outcome TEXT NOT NULL CHECK (outcome IN (
        'decided',                    -- under way
        'dropped',                    -- it was pushed towards its bin and left the table
        'stayed',                     -- it never left; it was taken away by hand, or has a later row
        'lost',                       -- it left the table, and nobody saw how
        'unfinished'                  -- the program ended meanwhile
    )),
    true_part TEXT,                   -- what the simulator says it was; NULL on a real rig
    true_kind TEXT,                   -- sound, damaged, foreign, stuck or double; NULL where nobody knows
    colour INTEGER,                   -- LDraw colour code; NULL when nobody was sure
    colour_probability REAL           -- of that colour; NULL where it was not estimated
)"""
_FATES = """
CREATE TABLE IF NOT EXISTS fates (    -- what really became of each piece; empty on a real rig
    run TEXT NOT NULL,
    number INTEGER NOT NULL,          -- its place in the pile, from 0
    true_part TEXT NOT NULL,
    true_kind TEXT NOT NULL,          -- sound, damaged, foreign, stuck or double
    colour INTEGER NOT NULL,          -- LDraw colour code
    laid_s REAL NOT NULL,             -- when it came to lie on the table, on the simulated clock
    pushes INTEGER NOT NULL,          -- how many sweeps or puffs of air it met
    left_s REAL,                      -- when it left the table; NULL when it stayed
    outcome TEXT NOT NULL CHECK (outcome IN ('in_bin', 'bounced', 'missed', 'stayed')),
    bin TEXT,                         -- that it lies in, or sprang out of
    right_bin TEXT NOT NULL,          -- that it belongs in
    PRIMARY KEY (run, number)
)"""
_PASSES = """
CREATE TABLE IF NOT EXISTS passes (   -- runs that followed a plan
    run TEXT PRIMARY KEY,
    plan TEXT NOT NULL,               -- path of its file
    pass INTEGER NOT NULL             -- from 1; the parts of a later one had passed the rig before
)"""
_VIEWS = """
CREATE TABLE views (                  -- each look at a part
    part_id INTEGER NOT NULL REFERENCES parts (id),
    number INTEGER NOT NULL,          -- from 1
    picture TEXT,                     -- path below the ledger's folder
    angle_deg REAL,                   -- of the table, all turns counted
    label TEXT,                       -- the best candidate of this view alone
    probability REAL,                 -- of that, calibrated
    PRIMARY KEY (part_id, number)
)"""
_TROUBLES = """
CREATE TABLE troubles (               -- what kept a run waiting
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    began_at TEXT NOT NULL,
    kind TEXT NOT NULL,               -- as `rig.sorting.trouble.TroubleKind` has it
    what TEXT NOT NULL,               -- a sentence
    picture TEXT                      -- path below the ledger's folder
)"""
_EMPTIED = """
CREATE TABLE emptied (                -- bins that somebody emptied
    bin TEXT NOT NULL,
    at TEXT NOT NULL,
    last_part INTEGER NOT NULL        -- the last row of `parts` before that
)"""
_INDEXES = (
    "CREATE INDEX parts_by_run ON parts (run, number)",
    "CREATE INDEX parts_by_bin ON parts (bin, id)",
    "CREATE INDEX troubles_by_run ON troubles (run)",
)

# Of version 0, as its first and its last release had it.
_FIRST_PARTS = """
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, decided_at TEXT NOT NULL, model TEXT NOT NULL, part TEXT,
    probability REAL NOT NULL, candidates TEXT NOT NULL, bin TEXT NOT NULL, picture TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('decided', 'dropped')), true_part TEXT
)"""
_ADDED = {"true_kind": "TEXT", "colour": "INTEGER", "colour_probability": "REAL"}


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables of a new file, or carry on those of an earlier version; all of it, or nothing.

    Args:
        database: in autocommit mode.

    Raises:
        sqlite3.Error: the file is no ledger, or one of a later version.
    """
    if _version(database) == VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited for its turn.
        for step in _STEPS[_version(database) :]:
            step(database)
        if _version(database) > VERSION:
            raise sqlite3.DatabaseError("it was written by a later version of the rig; update this one")
        database.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def _gather_version_0(database: sqlite3.Connection) -> None:
    """Files of version 0 lack this or that table or column."""
    for table in (_FIRST_PARTS, _FATES, _PASSES):
        database.execute(table)
    columns = {name for _, name, *_ in database.execute("PRAGMA table_info(parts)")}
    for name, kind in _ADDED.items():
        if name not in columns:
            database.execute(f"ALTER TABLE parts ADD COLUMN {name} {kind}")


def _tell_how_parts_ended(database: sqlite3.Connection) -> None:
    """More outcomes, times and doubts, a row for each view; a check can only be changed with its table."""
    database.execute("ALTER TABLE parts RENAME TO earlier_parts")
    database.execute("DROP INDEX IF EXISTS parts_by_run")
    for table in (_PARTS, _VIEWS, _TROUBLES, _EMPTIED, *_INDEXES):
        database.execute(table)
    kept = (
        "id, run, decided_at, model, part, probability, candidates, bin, picture, outcome, true_part,"
        " true_kind, colour, colour_probability"
    )
    database.execute(
        f"INSERT INTO parts ({kept}, number, doubt)"
        f" SELECT {kept}, row_number() OVER (PARTITION BY run ORDER BY id),"
        " CASE WHEN part IS NULL THEN 'unsure' END FROM earlier_parts"
    )
    database.execute(
        "INSERT INTO views (part_id, number, picture)"
        " SELECT id, 1, picture FROM earlier_parts WHERE picture IS NOT NULL"
    )
    database.execute("DROP TABLE earlier_parts")


# The step at place N leads from version N to N + 1.
_STEPS = (_gather_version_0, _tell_how_parts_ended)
