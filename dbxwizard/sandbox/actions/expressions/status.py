"""`success`, `failure`, `always` and `cancelled`, as they answer in the `if` of a step and of a job.

docs.github.com/actions/reference/workflows-and-actions/expressions#status-check-functions, and for jobs
.../workflow-syntax#jobsjob_idneeds: a failure or a skip holds for the whole chain of jobs that follow.
"""

from __future__ import annotations

from collections.abc import Mapping

from dbxwizard.sandbox.actions.expressions.functions import MAX_ARGUMENTS, Function


def for_step(job_status: str) -> dict[str, Function]:
    """`job_status`: success, failure or cancelled, as it is before the step."""
    return {
        "success": Function(lambda: job_status == "success", 0, 0),
        "failure": Function(lambda: job_status == "failure", 0, 0),
        "cancelled": Function(lambda: job_status == "cancelled", 0, 0),
        "always": Function(lambda: True, 0, 0),
    }


def for_job(results: Mapping[str, str], *, cancelled: bool) -> dict[str, Function]:
    """`results`: of all jobs that come before it, by id: success, failure, cancelled or skipped.

    `success` and `failure` of named jobs look at these alone: GitHub's schema takes names, its pages name none.
    """

    def of(names: tuple[str, ...]) -> list[str]:
        return [result for job, result in results.items() if not names or job in names]

    def success(*names: str) -> bool:
        return not cancelled and all(result == "success" for result in of(names))

    def failure(*names: str) -> bool:
        return not cancelled and any(result == "failure" for result in of(names))

    return {
        "success": Function(success, 0, MAX_ARGUMENTS),
        "failure": Function(failure, 0, MAX_ARGUMENTS),
        "cancelled": Function(lambda: cancelled, 0, 0),
        "always": Function(lambda: True, 0, 0),
    }
