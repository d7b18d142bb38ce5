"""What the resource manager knows of a resource type, and what a write is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dbxwizard.sandbox.arm.ids import ResourceId
from dbxwizard.sandbox.fields import FieldProblem, Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document, Store


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `client` is what messages call them: a person's name of sign-in, else the application id."""

    object_id: str
    client: str
    user: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """What a write came to. It is finished at `ready_at` (epoch seconds), at once where that is not after now."""

    resource_id: str
    created: bool
    ready_at: float


@dataclass(frozen=True, slots=True)
class Write:
    """One PUT or PATCH on its way. `body` is as the client sent it, `existing` the document as stored.

    `planned` holds the ids (lower case) that the same deployment makes, so that they may still be missing.
    """

    context: Context
    id: ResourceId
    api_version: str
    body: Document
    caller: Caller
    existing: Document | None = None
    planned: frozenset[str] = frozenset()
    patch: bool = False

    @property
    def store(self) -> Store:
        return self.context.store


@dataclass(frozen=True, slots=True)
class Action:
    """A POST on a resource: `listKeys`. `right` is the RBAC action; `run` gets the stored document and the body."""

    name: str
    right: str
    run: Callable[[Context, Document, Document], Any]
    body: Spec = field(default_factory=dict)


class ResourceType(ABC):
    """One resource type: its rules and its behaviour. Routes and deployments know no other way to a resource."""

    name: str
    api_versions: tuple[str, ...]  # oldest first
    body: ClassVar[Spec]
    patch_body: ClassVar[Spec | None] = None  # None: there is no PATCH
    locations: tuple[str, ...] = ()  # empty: it has none
    extension: bool = False  # it is attached to any scope
    created_status: int = 201
    updated_status: int = 200
    answers_with_operation: bool = False  # a slow PUT answers with Azure-AsyncOperation
    actions: ClassVar[Mapping[str, Action]] = {}

    def accepts(self, *, patch: bool) -> Spec:
        """The fields of a body; read-only ones, which clients send back, are among them."""
        return self.patch_body if patch else self.body

    @property
    def rights(self) -> str:
        """The RBAC actions of the type without their last part; `/write` and the like are added."""
        return self.name

    def authorize(self, write: Write) -> None:
        """Raises 403 unless the caller may write."""
        from dbxwizard.sandbox.arm import access

        access.require(write.context, write.caller, f"{self.rights}/write", write.id.text)

    def authorize_delete(self, context: Context, resource_id: ResourceId, caller: Caller) -> None:
        """Raises 403 unless the caller may delete."""
        from dbxwizard.sandbox.arm import access

        access.require(context, caller, f"{self.rights}/delete", resource_id.text)

    @abstractmethod
    def stored(self, store: Store, resource_id: ResourceId) -> Document | None:
        """The document as it is kept."""

    @abstractmethod
    def render(self, context: Context, document: Document) -> Document:
        """The document as GET answers it."""

    def field_error(self, problem: FieldProblem) -> ApiError:
        """The answer to a body that has a field too much, too little or of the wrong form."""
        from dbxwizard.sandbox.arm.errors import invalid_content

        return invalid_content(problem)

    def answer_to_delete(self, context: Context, resource_id: ResourceId) -> Document | None:
        """What a DELETE answers in its body, taken before it is done; most types answer nothing."""
        return None

    @abstractmethod
    def check(self, write: Write) -> None:
        """Refuses what the provider would refuse before it does anything: the provider's part of preflight."""

    @abstractmethod
    def document(self, write: Write) -> Document:
        """What `write` would leave, as it is kept, but for ids that are only made with it. Changes nothing."""

    @abstractmethod
    def put(self, write: Write) -> Operation:
        """Makes or changes the resource. `check` has passed."""

    @abstractmethod
    def delete(self, context: Context, document: Document) -> Operation:
        """Removes the resource."""
