"""What was sent to whom: a small database that makes it safe to run again after any kind of end.

    planned ── the body goes out ──> sending ── the server took it ──> sent
                                        └── nobody knows ──> (stays sending: told as unknown, not sent again)
    planned ── refused for good ──> refused

A key is one recipient and one content, whatever the day: nobody gets the same report twice.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from segmenter.atomic import make_folder
from segmenter.errors import Refused

State = Literal["planned", "sending", "sent", "refused"]
_TABLE: Final = """create table if not exists letter (
    key text primary key, address text not null, message_id text not null, state text not null, note text not null)"""


class Ledger:
    """The states of letters, each change on disk before the call returns."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def state(self, key: str) -> State | None:
        """Where a letter stands; None when it was never heard of."""
        row = self._database.execute("select state from letter where key = ?", (key,)).fetchone()
        return row[0] if row else None

    def mark(self, key: str, state: State, address: str, message_id: str, note: str = "") -> None:
        """Write down where a letter stands."""
        with self._database:
            self._database.execute(
                "insert into letter values (?, ?, ?, ?, ?) on conflict (key) do update set state = excluded.state, "
                "note = excluded.note",
                (key, address, message_id, state, note),
            )

    def unknown(self) -> list[tuple[str, str]]:
        """(address, message ID) of letters of which nobody knows whether they arrived."""
        found = self._database.execute(
            "select address, message_id from letter where state = 'sending' order by address"
        )
        return [(str(address), str(message)) for address, message in found]


@contextmanager
def opened(path: Path) -> Iterator[Ledger]:
    """The ledger in a file that only the user can read, for one run at a time. Refused("ledger_busy", "ledger")."""
    make_folder(path.parent)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        database = sqlite3.connect(path, timeout=2)
    except (OSError, sqlite3.Error):
        raise Refused("ledger", path=path) from None
    try:
        database.execute("pragma locking_mode = exclusive")
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        with database:
            database.execute(_TABLE)
            database.execute("insert into letter values ('', '', '', '', '') on conflict do nothing")
            database.execute("delete from letter where key = ''")  # takes the lock, and keeps it
        yield Ledger(database)
    except sqlite3.OperationalError as error:
        raise Refused("ledger_busy" if "lock" in str(error) else "ledger", path=path) from None
    except sqlite3.DatabaseError:
        raise Refused("ledger", path=path) from None
    finally:
        database.close()


def default_path() -> Path:
    """The user's own ledger."""
    base = os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "share") / "segmenter" / "ledger.sqlite"
