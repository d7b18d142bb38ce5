"""The modes of the program, each with one key. A mode's screen is loaded when it is first opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """`short` is for narrow terminals; `dbxwizard.screens.<module>` has the class `screen`."""

    name: str
    key: str
    title: str
    short: str
    help: str
    module: str
    screen: str


WIZARD = Mode("wizard", "0", "Wizard", "Wiz", "Set up a subscription and a repository", "wizard", "Start")

MODES = (
    Mode(
        "environments",
        "1",
        "Environments",
        "Env",
        "Every environment: state, drift, what runs, what ends soon",
        "environments",
        "EnvironmentsScreen",
    ),
    Mode(
        "deployments",
        "2",
        "Deployments",
        "Dep",
        "Start a deployment and watch it; the history of all",
        "deployments",
        "DeploymentsScreen",
    ),
    Mode(
        "resources",
        "3",
        "Resources",
        "Res",
        "What there is in Azure, Databricks and GitHub",
        "resources",
        "ResourcesScreen",
    ),
    Mode(
        "parameters",
        "4",
        "Parameters",
        "Param",
        "The environment files: a form beside the text, all environments side by side",
        "parameters",
        "ParametersScreen",
    ),
    Mode("doctor", "5", "Doctor", "Doctor", "Who you are, what you may, what is missing", "doctor", "DoctorScreen"),
    Mode("logs", "6", "Logs", "Logs", "What the program and its runs did", "logs", "LogsScreen"),
    Mode("runs", "7", "Runs", "Runs", "What the workflows on GitHub did, and do now", "runs", "RunsScreen"),
    Mode(
        "dev",
        "8",
        "Dev",
        "Dev",
        "This machine beside an environment: set up and checked, its code pushed and run on the cluster",
        "developer",
        "DeveloperScreen",
    ),
)
