"""A database of the moment: what would not fit into memory for a hundred thousand pictures."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

_CACHE_KIB = 4096


@contextmanager
def scratch_database(schema: str) -> Iterator[sqlite3.Connection]:
    """A database in a temporary file that nobody else sees and that is gone with the block.

    SQLite keeps a few megabytes of it in memory, however large it grows (https://sqlite.org/inmemorydb.html).

    Args:
        schema: SQL statements that make its tables.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
            f"PRAGMA cache_size = -{_CACHE_KIB}; {schema}"
        )
        yield database
