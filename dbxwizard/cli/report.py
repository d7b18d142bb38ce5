"""What a command came to, ready to be rendered in any form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbxwizard.core.errors import OperationError, common_exit_code, each_error
from dbxwizard.core.result import EnvironmentResult, RunResult, Status


@dataclass(frozen=True, slots=True)
class Report:
    """`text`: the lines for a person. `extra`: this command's keys beside the contract's. `document`: printed in place
    of the envelope, in every form (the sandbox's own JSON, a completion script)."""

    command: str
    run_id: str
    status: Status
    environments: tuple[EnvironmentResult, ...] = ()
    errors: tuple[OperationError, ...] = ()
    text: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    document: str | None = None
    code: int | None = None
    told: bool = False  # `text` has the errors already
    printed: bool = False  # the command has written its data itself, while it came
    outputs: Mapping[str, str] = field(default_factory=dict)  # of the step, in GitHub Actions
    warnings: tuple[OperationError, ...] = ()

    @classmethod
    def of(cls, result: RunResult, text: tuple[str, ...] = (), **extra: object) -> Report:
        return cls(
            result.command,
            result.run_id,
            result.status,
            result.environments,
            result.errors,
            text,
            extra,
            code=result.exit_code,
        )

    @classmethod
    def failed(cls, command: str, run_id: str, error: OperationError) -> Report:
        return cls(command, run_id, Status.ERROR, errors=each_error(error))

    @property
    def exit_code(self) -> int:
        if self.code is not None:
            return self.code
        return common_exit_code(self.errors) if self.errors else 0

    def to_json(self) -> dict[str, object]:
        envelope = RunResult(self.command, self.run_id, self.status, self.environments, self.errors)
        return {
            **envelope.to_json(),
            **({"warnings": [warning.to_json() for warning in self.warnings]} if self.warnings else {}),
            **self.extra,
        }
