"""dateTimeAdd, dateTimeFromEpoch, dateTimeToEpoch, utcNow: …/templates/template-functions-date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dbxwizard.arm_template.dates import ISO, add_duration, format_time, parse_time
from dbxwizard.arm_template.evaluation import Invocation, Phase
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import function
from dbxwizard.arm_template.values import JsonValue

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@function("dateTimeAdd", 2, 3)
def date_time_add(call: Invocation, base: JsonValue, duration: JsonValue, pattern: JsonValue = ISO) -> str:
    moment = add_duration(parse_time(arguments.text(call, base)), arguments.text(call, duration))
    return format_time(moment, arguments.text(call, pattern))


@function("dateTimeFromEpoch", 1)
def date_time_from_epoch(call: Invocation, seconds: JsonValue) -> str:
    try:
        return format_time(_EPOCH + timedelta(seconds=arguments.integer(call, seconds)), ISO)
    except OverflowError:
        raise call.error(f"has an argument that is out of range: '{seconds}'.") from None


@function("dateTimeToEpoch", 1)
def date_time_to_epoch(call: Invocation, moment: JsonValue) -> int:
    return (parse_time(arguments.text(call, moment)) - _EPOCH) // timedelta(seconds=1)


@function("utcNow", 0, 1)
def utc_now(call: Invocation, pattern: JsonValue = "yyyyMMddTHHmmssZ") -> str:
    if call.frame.phase is not Phase.PARAMETER:
        raise call.error("is not expected at this location. It can only be used in the default value of a parameter.")
    now = call.frame.host.surroundings.now or datetime.now(UTC)
    return format_time(now.astimezone(UTC), arguments.text(call, pattern))
