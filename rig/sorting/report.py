"""A run of sorting mode as a page: every part's pictures, what it was taken for, and where it went."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from rig.files import write_whole
from rig.inventory.colours import colour_name
from rig.sorting.fates import fates_of
from rig.sorting.ledger import Ledger, LedgerRow, RunId, TroubleRow, ViewRow
from rig.sorting.summary import Ends, SortSummary, summarise

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .1rem 1.5rem .1rem 0; }
td + td, th + th { text-align: right; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem;
  padding: 0; list-style: none; }
ul li { border: 1px solid #8885; border-radius: .5rem; overflow: hidden; }
ul li.wrong { border: 3px solid #c33; }
ul li.unsure { border: 3px dashed #c80; }
li p { margin: .4rem .6rem; }
ol li { margin: .6rem 0; }
ol li img { max-width: 20rem; }
img { width: 100%; display: block; }
.further { display: grid; grid-template-columns: repeat(3, 1fr); }
small, .quiet { opacity: .75; }
"""

# What would be shown as 0 % tells nobody anything.
_WORTH_NAMING = 0.005


def write_report(ledger_folder: Path, run: RunId) -> Path:
    """Write `<ledger>/reports/<run>.html`, which shows the pictures beside it in the ledger's folder.

    A page that held them itself would be too large to open after a bucket of parts.

    Raises:
        StorageError: the ledger cannot be read or the page not be written.
    """
    with Ledger(ledger_folder) as ledger:
        rows = ledger.rows(run)
        troubles = ledger.troubles(run)
        # How long the run took, which the rig's own clock says, the ledger does not know.
        summary = summarise(rows, fates_of(ledger, run), troubles, elapsed_s=0)
        cards = "\n".join(_card(row, ledger.views(row.id), ledger_folder) for row in rows)
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>Sorted: {escape(run)}</title><style>{_STYLE}</style>"
        f"{_head(run, rows, summary)}{_bins(summary)}{_where_they_ended(summary.ends)}"
        f"{_troubles(troubles, ledger_folder)}<h2>Parts</h2>{_frames(rows)}<ul>{cards}</ul></html>"
    )
    path = ledger_folder / "reports" / f"{run}.html"
    write_whole(path, page.encode())
    return path


def _head(run: RunId, rows: Sequence[LedgerRow], summary: SortSummary) -> str:
    models = ", ".join(sorted({row.model for row in rows})) or "no model"
    astray = {
        "rejected": summary.rejects,
        "to be fed again": summary.returned,
        "did not leave the table": summary.stayed,
        "lost": summary.lost,
        "unfinished": summary.unfinished,
    }
    told = ", ".join(f"{count} {what}" for what, count in astray.items() if count)
    return (
        f"<h1>{summary.parts} part{'' if summary.parts == 1 else 's'} sorted</h1>"
        f"<p class='quiet'>Run {escape(run)}, by {escape(models)}</p>{f'<p>{told}</p>' if told else ''}"
    )


def _bins(summary: SortSummary) -> str:
    if not summary.bins:
        return ""
    filled = sorted(summary.bins.items(), key=lambda item: (-item[1], item[0]))
    lines = "".join(f"<tr><td>{escape(name)}</td><td>{count}</td></tr>" for name, count in filled)
    return f"<table><tr><th>bin</th><th>parts</th></tr>{lines}</table>"


def _where_they_ended(ends: Ends | None) -> str:
    if ends is None:
        return ""
    return (
        f"<p>Where the pieces really ended: in the right bin {ends.right_bin}, in another"
        f" or rejected though good {ends.other_bin}, sprung out of a bin {ends.bounced},"
        f" beside the bins {ends.missed}, still on the table {ends.stayed}."
        f" Pushes that moved nothing: {ends.vain_pushes}.</p>"
    )


def _troubles(troubles: Sequence[TroubleRow], ledger_folder: Path) -> str:
    if not troubles:
        return ""
    items = "".join(
        f"<li>{escape(trouble.began_at[11:19])} UTC: {escape(trouble.what)}"
        f"{_picture(trouble.picture, ledger_folder, trouble.kind) if trouble.picture else ''}</li>"
        for trouble in troubles
    )
    return f"<h2>What it waited for</h2><ol>{items}</ol>"


def _frames(rows: Sequence[LedgerRow]) -> str:
    judgements = {_judgement(row) for row in rows}
    wrong = "A red frame marks a part that was taken for another. " if "wrong" in judgements else ""
    unsure = "A dashed frame marks what was not named. " if "unsure" in judgements else ""
    return f"<p>{wrong}{unsure}</p>" if wrong or unsure else ""


def _card(row: LedgerRow, views: Sequence[ViewRow], ledger_folder: Path) -> str:
    likely = [c for c in row.candidates if c.probability >= _WORTH_NAMING]
    best = ", ".join(f"{escape(c.label)} {c.probability:.0%}" for c in likely)
    kind = "" if row.true_kind in (None, "sound") else f", {row.true_kind}"
    truth = "" if row.true_part is None else f"really {escape(row.true_part)}{kind}"
    told = "".join(f"<br><small>{line}</small>" for line in (best, truth) if line)
    name = row.part or (row.doubt.value if row.doubt else "unsure")
    colour = "" if row.colour is None else f" {escape(colour_name(row.colour))}"
    went = escape(row.bin) + ("" if row.outcome == "dropped" else f" ({row.outcome})")
    further = "".join(
        _picture(view.picture, ledger_folder, f"part {row.number}, look {view.number}") for view in views[1:]
    )
    looks = f"<div class='further'>{further}</div>" if further else ""
    return (
        f"<li class='{_judgement(row)}'>{_picture(row.picture, ledger_folder, f'part {row.number}')}"
        f"{looks}<p><small>{row.number}</small> <b>{escape(name)}</b>{colour} &rarr; {went}"
        f"{told}</p></li>"
    )


def _judgement(row: LedgerRow) -> str:
    if row.part is None:
        return "unsure"
    return "wrong" if row.true_part is not None and row.true_part != row.part else "right"


def _picture(name: str | None, ledger_folder: Path, caption: str) -> str:
    if name is None or not (ledger_folder / name).exists():
        return "<p>(no picture)</p>"
    source = escape(f"../{quote(name)}", quote=True)
    return f"<a href='{source}'><img alt='{escape(caption)}' loading='lazy' src='{source}'></a>"
