from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest

from dbkframework import telemetry
from dbkframework.redaction import HIDDEN, Secret, clean
from dbkframework.testing import Recorded

# Each holds the marked value, in a way in which secrets get into logs.
LEAKS = [
    "password=MARKED-VALUE",
    "pwd: MARKED-VALUE;",
    '{"client_secret": "MARKED-VALUE"}',
    "--token=MARKED-VALUE --verbose",
    "Authorization: Bearer MARKED-VALUE",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=MARKED-VALUE;EndpointSuffix=y",
    "InstrumentationKey=MARKED-VALUE;IngestionEndpoint=https://example.invalid",
    "https://store.invalid/file?se=2026&sig=MARKED-VALUE",
    "jdbc:postgresql://me:MARKED-VALUE@host/db",
    "api_key = 'MARKED-VALUE'",
    "-----BEGIN RSA PRIVATE KEY-----\nMARKED-VALUE\n-----END RSA PRIVATE KEY-----",
]
TOKENS = [
    "dapi" + "0123456789abcdef" * 2,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl",
]
HARMLESS = ["5 tokens were counted", "signature: none", "passed: True", "the secret scope AzureResourceSecrets", "a=b"]


@pytest.mark.parametrize("text", LEAKS)
def test_what_is_called_a_secret_is_hidden(text: str) -> None:
    assert "MARKED-VALUE" not in clean(text)
    assert HIDDEN in clean(text)


@pytest.mark.parametrize("token", TOKENS)
def test_what_looks_like_a_token_is_hidden(token: str) -> None:
    assert clean(f"sent {token} there") == f"sent {HIDDEN} there"


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_stays(text: str) -> None:
    assert clean(text) == text


def test_a_known_value_is_hidden_wherever_it_stands() -> None:
    Secret("horse staple")
    assert clean({"a": ["the horse staple is", ("horse staple",)], "b": 1}) == {
        "a": [f"the {HIDDEN} is", [HIDDEN]],
        "b": 1,
    }


def test_no_way_of_writing_a_secret_shows_it() -> None:
    secret = Secret("horse staple")
    assert [repr(secret), str(secret), f"{secret}", "%s" % secret] == ["Secret(***)", "***", "***", "***"]  # noqa: UP031
    assert repr({"key": secret, "keys": [secret]}) == "{'key': Secret(***), 'keys': [Secret(***)]}"
    assert (secret == Secret("horse staple"), secret == Secret("other"), secret == "horse staple") == (
        True,
        False,
        False,
    )
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def work(secret: Secret, extra: dict[str, Any]) -> None:
    """Tells the secret in every way there is, and fails with it."""
    with telemetry.span("work", text=secret.reveal(), **extra) as span:
        try:
            raise ValueError(f"could not sign in with {secret.reveal()}")
        except ValueError:
            telemetry.get_logger("tests").exception("with %s and %s", secret.reveal(), secret, extra=extra)
            span.set(again=secret.reveal())
            telemetry.metric("tried", 1.0, value=secret.reveal())
            raise


@pytest.mark.parametrize(
    "extra", [{}, {"password": "other value"}, {"sent": "with horse staple"}, {"nested": {"api_key": "k"}}]
)
def test_no_part_of_a_record_holds_a_secret(recorded: Recorded, extra: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="could not sign in"):
        work(Secret("horse staple"), extra)
    told = [str(vars(record)) for record in recorded.logs] + [str(span.attributes) for span in recorded.spans]
    told += [str(metric) for metric in recorded.metrics]
    assert len(told) == 3
    assert not [text for text in told if "horse staple" in text or "other value" in text or "'k'" in text]
    assert recorded.logs[0].levelno == logging.ERROR
