"""Pages of a list, and the Link header that leads through them.

docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from dbxwizard.sandbox.http import Call, Response


def page(
    call: Call,
    items: Sequence[Any],
    *,
    show: Callable[[Any], Any] | None = None,
    wrap: str = "",
    default: int = 30,
    most: int = 100,
) -> Response:
    """The asked page of `items`; `wrap` names the field for lists that come with a total_count.

    `show` makes of an item what stands in the answer; only those of the page are made.
    """
    size = min(most, _positive(call.query.get("per_page"), default))
    number = _positive(call.query.get("page"), 1)
    part = [show(item) if show else item for item in items[(number - 1) * size : number * size]]
    body = {"total_count": len(items), wrap: part} if wrap else part
    return Response(200, body, _links(call, number, max(1, -(-len(items) // size))))


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch("[1-9][0-9]{0,8}", text) else default


def _links(call: Call, number: int, last: int) -> dict[str, str]:
    relations: dict[str, int] = {}
    if number > 1:
        relations |= {"prev": min(number - 1, last), "first": 1}
    if number < last:
        relations |= {"next": number + 1, "last": last}
    base = call.url("github") + call.request.path
    links = [
        f'<{base}?{urlencode({**call.query, "page": target})}>; rel="{name}"' for name, target in relations.items()
    ]
    return {"Link": ", ".join(links)} if links else {}
