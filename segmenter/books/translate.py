"""Formulas seen from another cell. openpyxl knows how, and takes a tenth of a second to import: most runs need none."""

from __future__ import annotations

from segmenter.errors import Refused


def moved(text: str, origin: str, target: str) -> str:
    """The formula `text` (without "=") of cell `origin` as it reads in cell `target`; Refused where it cannot be read,
    or would lead above the sheet."""
    from openpyxl.formula.tokenizer import TokenizerError
    from openpyxl.formula.translate import Translator, TranslatorError

    try:
        return str(Translator("=" + text, origin).translate_formula(target))[1:]
    except (TokenizerError, TranslatorError, IndexError) as error:  # the last: brackets closed that were not opened
        raise Refused("formula_stuck", value=text) from error
