"""The advice table: each row is found by its own example, and no row hides another."""

from __future__ import annotations

import pytest

from dbxwizard.core.advice import Advice, advise, table
from dbxwizard.core.errors import Forbidden, NotSignedIn, OperationError, Transient


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row.codes[0]}-{row.pattern[:20]}")
def test_each_row_is_the_first_that_fits_its_example(row: Advice) -> None:
    for code in row.codes:
        expected = f"{row.fix} See {row.link}" if row.link else row.fix
        assert advise(OperationError(code.replace("*", "any-code"), row.example)) == expected


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row.codes[0]}-{row.pattern[:20]}")
def test_each_row_is_a_sentence_with_a_secure_link(row: Advice) -> None:
    assert row.fix.endswith((".", "?", ")"))
    assert not row.link or row.link.startswith("https://")
    assert row.example


def test_what_the_error_says_itself_goes_first() -> None:
    assert advise(OperationError("AuthorizationFailed", "no", fix="Do this.")) == "Do this."


def test_codes_are_compared_whatever_their_case() -> None:
    assert advise(OperationError("authorizationfailed", "no")) == advise(OperationError("AuthorizationFailed", "no"))


def test_unknown_error_gets_no_invented_advice() -> None:
    assert advise(OperationError("made-up", "something else")) == ""


def test_what_no_row_knows_gets_the_advice_of_its_kind() -> None:
    assert "dbxwizard doctor" in advise(Forbidden("UNKNOWN", "no", status=403))
    assert "sign in again" in advise(NotSignedIn("UNKNOWN", "no"))
    assert "run again" in advise(Transient("UNKNOWN", "no"))
