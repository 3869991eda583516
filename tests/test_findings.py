"""Findings that are read back from a log are the findings that were written there."""

from __future__ import annotations

import string

import numpy as np
import pytest

from segmenter import texts
from segmenter.findings import Finding, reread, weighed

CODES = [key.removeprefix("finding.") for key in sorted(texts.keys()) if key.startswith("finding.")]


def holes(code: str) -> dict[str, str]:
    parsed = string.Formatter().parse(texts.template(f"finding.{code}", "zh"))
    return {hole: spec or "" for _, hole, spec, _ in parsed if hole is not None}


@pytest.mark.parametrize("lang", texts.LANGS)
@pytest.mark.parametrize("code", [code for code in CODES if all("," in spec for spec in holes(code).values())])
@pytest.mark.parametrize("count", [1, 135_080])
def test_a_sentence_of_numbers_is_understood_again(code: str, lang: texts.Lang, count: int) -> None:
    params = {hole: -1447682.12 if "f" in spec else 18532 for hole, spec in holes(code).items()}
    params = {**params, "count": count} if count > 1 else params
    written = Finding(code, params=params)
    found = reread(written.kind(lang), written.message(lang))
    assert found is not None
    assert Finding(found[0], params=found[1]).message(lang) == written.message(lang)
    assert found[1] == params


@pytest.mark.parametrize("lang", texts.LANGS)
def test_words_people_typed_are_not_taken_for_figures(lang: texts.Lang) -> None:
    written = Finding("header_alias", value="12,345", params={"header": {"zh": "1", "en": "1"}})
    assert reread(written.kind(lang), written.message(lang)) is None
    assert reread("kind", "138,000") is None


def test_a_finding_without_a_row_has_no_share() -> None:

    found = [Finding("age_filled", "S", "C3"), Finding("age_filled", "T", "C3"), Finding("blank_rows", "S")]
    shares = [one.amount_share for one in weighed(found, "S", np.array([2, 3]), np.array([30.0, 10.0]))]
    assert shares == [0.25, None, None]
