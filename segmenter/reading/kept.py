"""What stays on the cleaning log from one run to the next."""

from __future__ import annotations

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.findings import Finding, reread
from segmenter.reading import intake, values


def found_by_import(grid: Grid | None) -> list[Finding]:
    """What `import` found stays in the log when `fill` writes it again."""
    if grid is None:
        return []
    rows = intake.as_typed(grid, schema.CLEANING).reindex(columns=[field.key for field in schema.CLEANING.fields])
    imported = {texts.say("stage.import", one) for one in texts.LANGS}
    named = [
        {lang: texts.say(key, lang) for lang in texts.LANGS} for key in sorted(texts.keys()) if key.startswith("kind.")
    ]
    kinds = {text: kind for kind in named for text in kind.values()}
    found = []
    for row in rows.itertuples():
        if row.stage not in imported:
            continue
        place = {"sheet": _word(row.sheet), "cell": _word(row.cell), "value": _word(row.value), "stage": "import"}
        share = row.amount_share if isinstance(row.amount_share, float) else None
        code, params = reread(_word(row.code), _word(row.message)) or (
            "kept",
            {"text": _word(row.message), "kind": kinds.get(_word(row.code), _word(row.code))},
        )
        found.append(Finding(code, params=params, amount_share=share, **place))
    return found


def _word(cell: object) -> str:
    return "" if values.is_empty(cell) else str(cell)
