"""The operations of the wizard's pages: what there is to choose, and what setup will make of it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from dbxwizard.backend import project

if TYPE_CHECKING:
    from dbxwizard.backend.answers import AnswerFile
    from dbxwizard.backend.asked_token import AskedToken
    from dbxwizard.backend.launch import Launch
    from dbxwizard.backend.session import Session
    from dbxwizard.backend.wizard.application_views import ApplicationsView, TradeOff
    from dbxwizard.backend.wizard.choices import (
        RepositoryChoice,
        RepositoryDetail,
        SubscriptionChoice,
        SubscriptionRoles,
        TenantChoice,
    )
    from dbxwizard.backend.wizard.custom_role_views import CustomRoleView
    from dbxwizard.backend.wizard.environment_files import EnvironmentFile
    from dbxwizard.backend.wizard.github_views import GitHubTable
    from dbxwizard.backend.wizard.sign_ins import SignInWay
    from dbxwizard.backend.wizard.welcome import Welcome
    from dbxwizard.parameters import Environment
    from dbxwizard.steps.connection import Connection
    from dbxwizard.steps.setup_options import SetupOptions


class WizardOperations(ABC):
    """What `Service` offers to the wizard's pages."""

    _launch: Launch
    _answers: AnswerFile
    _session: Session
    _git_token: AskedToken

    @abstractmethod
    async def connection(self) -> Connection: ...

    @abstractmethod
    def _subscription(self) -> str: ...

    @abstractmethod
    def _chosen_subscription(self) -> str: ...

    @abstractmethod
    def _repository(self) -> str: ...

    @abstractmethod
    def _setup_options(self) -> SetupOptions: ...

    @abstractmethod
    def _drafts(self) -> tuple[Environment, ...]: ...

    @abstractmethod
    def _require_writable(self) -> None: ...

    # who acts, and on what

    async def sign_in_ways(self) -> tuple[SignInWay, ...]:
        from dbxwizard.backend.wizard.sign_ins import sign_in_ways

        cloud = await self._session.cloud()
        return sign_in_ways(cloud, self._launch.variables(cloud))

    async def tenants(self) -> tuple[TenantChoice, ...]:
        from dbxwizard.backend.wizard.choices import tenants

        return await tenants(await self.connection())

    async def subscriptions(self) -> tuple[SubscriptionChoice, ...]:
        from dbxwizard.backend.wizard.choices import subscriptions

        return await subscriptions(await self.connection())

    async def subscription_roles(self, *, subscriptions: tuple[str, ...]) -> tuple[SubscriptionRoles, ...]:
        from dbxwizard.backend.wizard.choices import subscription_roles

        return await subscription_roles(await self.connection(), subscriptions)

    async def repositories(self) -> tuple[RepositoryChoice, ...]:
        from dbxwizard.backend.wizard.choices import repositories

        return await repositories(await self.connection())

    async def repository(self, *, name: str) -> RepositoryDetail:
        from dbxwizard.backend.wizard.choices import repository

        return await repository(await self.connection(), name)

    # what setup will make, page by page of the wizard

    async def welcome(self, *, live: bool) -> Welcome:
        """`live`: with the doctor's checks, where somebody is signed in and has chosen a subscription."""
        from dbxwizard import bundled
        from dbxwizard.backend.wizard.welcome import welcome

        cloud, subscription = await self._session.cloud(), self._subscription()
        connection = await self._session.at_hand() if live and subscription else None
        return await welcome(
            cloud,
            self._launch.variables(cloud),
            project.readable(self._launch.root),
            connection=connection,
            subscription_id=subscription,
            repository=self._repository(),
            shipped=project.readable(bundled.folder("environments").parent),
        )

    async def custom_roles(self) -> tuple[CustomRoleView, ...]:
        """The role of the Databricks service principal, that of main ones that are one for each environment, and that
        of the one that plans."""
        from dbxwizard.backend.wizard.custom_role import custom_role

        answers, connection = self._answers.read(), await self.connection()
        asked = [custom_role(connection, self._chosen_subscription(), answers.role_name)]
        if answers.isolation == "environment" and not answers.owner:
            asked.append(custom_role(connection, self._chosen_subscription(), whose="deployer"))
        if answers.github_environments:
            asked.append(custom_role(connection, self._chosen_subscription(), whose="plan"))
        return tuple(await asyncio.gather(*asked))

    async def role_names(self) -> tuple[str, ...]:
        """Custom roles that the files give to the Databricks service principal."""
        from dbxwizard.backend.wizard.role_names import custom_names

        return await asyncio.to_thread(custom_names, self._launch.root)

    async def rename_role(self, *, old: str, new: str) -> tuple[str, ...]:
        """In the files; returns the names of those that were changed."""
        from dbxwizard.backend.wizard.role_names import rename

        self._require_writable()
        return await asyncio.to_thread(rename, self._launch.root, old, new)

    async def applications(self) -> ApplicationsView:
        from dbxwizard.backend.wizard.applications import applications

        return await applications(await self.connection(), self._setup_options(), self._drafts())

    async def trade_offs(self, *, decision: str) -> tuple[TradeOff, ...]:
        from dbxwizard.backend.wizard.applications import trade_offs

        return tuple(one for one in trade_offs() if one.decision == decision)

    async def github_table(self) -> GitHubTable:
        from dbxwizard.backend.wizard.github_table import github_table

        with self._git_token.forgotten_if_refused():
            return await github_table(await self.connection(), self._setup_options(), self._drafts())

    async def environment_files(self) -> tuple[EnvironmentFile, ...]:
        from dbxwizard.backend.wizard.environment_files import environment_files

        return await asyncio.to_thread(environment_files, self._launch.root)
