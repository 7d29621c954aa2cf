"""A run of sorting mode as a page: every part's picture, what it was taken for, and where it went."""

import base64
from html import escape
from pathlib import Path

from rig.files import write_whole
from rig.sorting.fates import fates_of
from rig.sorting.ledger import Ledger, LedgerRow, RunId, TroubleRow
from rig.sorting.summary import Ends, ends_of

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem;
  padding: 0; list-style: none; }
li { border: 1px solid #8885; border-radius: .5rem; overflow: hidden; }
li.wrong { border: 3px solid #c33; }
li.unsure { border: 3px dashed #c80; }
ol.troubles img { max-width: 13rem; }
img { width: 100%; display: block; }
p { margin: .4rem .6rem; }
small { opacity: .75; }
"""


def write_report(ledger_folder: Path, run: RunId) -> Path:
    """Write `<ledger>/reports/<run>.html`, which needs no other file.

    Raises:
        StorageError: the ledger cannot be read or the page not be written.
    """
    with Ledger(ledger_folder) as ledger:
        rows = ledger.rows(run)
        troubles = ledger.troubles(run)
        ends = ends_of(fates_of(ledger, run))
    cards = "\n".join(_card(row, ledger_folder) for row in rows)
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>Sorted: {escape(run)}</title><style>{_STYLE}</style>"
        f"<h1>{sum(row.outcome == 'dropped' for row in rows)} parts sorted</h1>"
        "<p>A red frame marks a part in the wrong bin, a dashed one a part nobody was sure of.</p>"
        f"{_where_they_ended(ends)}{_troubles(troubles, ledger_folder)}<ul>{cards}</ul></html>"
    )
    path = ledger_folder / "reports" / f"{run}.html"
    write_whole(path, page.encode())
    return path


def _where_they_ended(ends: Ends | None) -> str:
    if ends is None:
        return ""
    return (
        f"<p>Where the pieces really ended: in the right bin {ends.right_bin}, in another {ends.other_bin},"
        f" sprung out of a bin {ends.bounced}, beside the bins {ends.missed},"
        f" still on the table {ends.stayed}. Pushes that moved nothing: {ends.vain_pushes}.</p>"
    )


def _troubles(troubles: list[TroubleRow], ledger_folder: Path) -> str:
    if not troubles:
        return ""
    items = "".join(
        f"<li><p>{escape(trouble.began_at[11:19])} UTC: {escape(trouble.what)}</p>"
        f"{_picture(trouble.picture, ledger_folder, trouble.kind) if trouble.picture else ''}</li>"
        for trouble in troubles
    )
    return f"<h2>What it waited for</h2><ol class='troubles'>{items}</ol><h2>Parts</h2>"


def _card(row: LedgerRow, ledger_folder: Path) -> str:
    best = ", ".join(f"{escape(c.label)} {c.probability:.0%}" for c in row.candidates)
    kind = "" if row.true_kind in (None, "sound") else f", {row.true_kind}"
    truth = "" if row.true_part is None else f"<br><small>really {escape(row.true_part)}{kind}</small>"
    return (
        f"<li class='{_judgement(row)}'>{_picture(row.picture, ledger_folder, f'part {row.number}')}"
        f"<p><b>{escape(row.part or (row.doubt.value if row.doubt else 'unsure'))}</b>"
        f" &rarr; {escape(row.bin)}{'' if row.outcome == 'dropped' else f' ({row.outcome})'}"
        f"<br><small>{best}</small>{truth}</p></li>"
    )


def _judgement(row: LedgerRow) -> str:
    if row.part is None:
        return "unsure"
    return "wrong" if row.true_part is not None and row.true_part != row.part else "right"


def _picture(name: str | None, ledger_folder: Path, caption: str) -> str:
    path = ledger_folder / name if name else None
    if path is None or not path.exists():
        return "<p>(no picture)</p>"
    data = base64.b64encode(path.read_bytes()).decode()
    return f"<img alt='{escape(caption)}' loading='lazy' src='data:image/jpeg;base64,{data}'>"
