"""What stays on the cleaning log from one run to the next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.findings import Finding, reread
from segmenter.reading import intake, values

_COLUMNS: Final = ("stage", "code", "sheet", "cell", "value", "message", "amount_share")


def found_by_import(grid: Grid | None) -> list[Finding]:
    """What `import` found stays in the log when `fill` writes it again."""
    if grid is None:
        return []
    rows, typed = intake.typed_columns(grid, schema.CLEANING)
    columns = [typed.get(key, [None] * len(rows)) for key in _COLUMNS]
    imported = {texts.say("stage.import", one) for one in texts.LANGS}
    found = []
    for stage, *cells, share in zip(*columns, strict=True):
        if stage not in imported:
            continue
        kind, sheet, cell, value, message = ("" if values.is_empty(one) else str(one) for one in cells)
        code, params = reread(kind, message) or ("kept", {"text": message, "kind": _kinds().get(kind, kind)})
        share = share if isinstance(share, float) else None
        found.append(Finding(code, sheet, cell, value, params, share, "import"))
    return found


@cache
def _kinds() -> Mapping[str, Mapping[str, str]]:
    """The kinds of finding, in every language, by what they are called in any."""
    named = [texts.both(key) for key in sorted(texts.keys()) if key.startswith("kind.")]
    return {text: kind for kind in named for text in kind.values()}
