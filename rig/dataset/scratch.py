"""A database of the moment: what would not fit into memory for a hundred thousand pictures."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

_CACHE_KIB = 4096


@contextmanager
def scratch_database(schema: str) -> Iterator[sqlite3.Connection]:
    """A database in a temporary file that nobody else sees and that is gone with the block.

    Args:
        schema: SQL statements that make its tables.
    """
    with closing(open_scratch(schema)) as database:
        yield database


def open_scratch(schema: str, *, one_thread: bool = True) -> sqlite3.Connection:
    """The same, gone when it is closed.

    SQLite keeps a few megabytes of it in memory, however large it grows (https://sqlite.org/inmemorydb.html).

    Args:
        one_thread: nobody but the thread that opens it uses it; if others do, then one at a time.
    """
    database = sqlite3.connect("", isolation_level=None, check_same_thread=one_thread)
    database.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
        f"PRAGMA cache_size = -{_CACHE_KIB}; {schema}"
    )
    return database
