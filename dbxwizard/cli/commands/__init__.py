"""The commands, declared: what each takes and which module runs it (loaded when it is asked for)."""

from __future__ import annotations

from dataclasses import dataclass

from dbxwizard.core.options import (
    AUTH,
    DECISIONS,
    DEPLOY,
    DEV,
    ENVIRONMENTS,
    FOLDER,
    INIT,
    LOG_FILE,
    LOGS,
    NO_PROOF,
    ONE_ENVIRONMENT,
    OUTPUT,
    PLAN,
    PROVE,
    REPOSITORY,
    RUNS,
    SANDBOX_REPOSITORY,
    SETUP,
    TERMINAL,
    WHERE,
    WORLD,
    Kind,
    Option,
)


@dataclass(frozen=True, slots=True)
class Words:
    """Positional arguments; `count` as argparse has it. `workflows`: completion offers the files of the workflows,
    `offers` words of which others are allowed too."""

    name: str
    help: str
    count: str = "*"
    choices: tuple[str, ...] = ()
    workflows: bool = False
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """`dbxwizard.cli.commands.<name>` has `run(invocation) -> Report`. `hidden`: not one that a person types."""

    name: str
    help: str
    options: tuple[Option, ...]
    words: tuple[Words, ...] = ()
    hidden: bool = False


_FILES = Words("FILE", "parameter files (default: all of environments/)")

SANDBOX_ACTIONS = ("serve", "reset", "show", "log", "push", "pr", "tag")
DEV_ACTIONS = ("setup", "check", "push", "run", "sync")
OPEN = "open"  # what `dbxwizard` without a command does

COMMANDS = (
    Command(
        "init",
        "write environments/, bicep/, framework/, the workflows and a README into this folder",
        (FOLDER, *INIT, *DECISIONS, *OUTPUT),
    ),
    Command(
        "validate",
        "check the parameter files",
        (FOLDER, Option("fix", "rewrite old forms in place, comments kept", Kind.FLAG), *OUTPUT),
        (_FILES,),
    ),
    Command(
        "setup",
        "make the custom roles, the service principals and GitHub's settings; once per repository and subscription",
        (FOLDER, *SETUP, NO_PROOF, ENVIRONMENTS, *DECISIONS, *WORLD, *OUTPUT),
    ),
    Command(
        "plan",
        "show what setup and deploy would change; writes nothing",
        (FOLDER, *PLAN, *SETUP, DEPLOY[0], ENVIRONMENTS, DECISIONS[0], *WORLD, *OUTPUT),
    ),
    Command(
        "deploy",
        "deploy environments",
        (FOLDER, AUTH, *DEPLOY, WHERE, REPOSITORY, ENVIRONMENTS, *DECISIONS, *WORLD, *OUTPUT),
    ),
    Command("status", "what is there now", (FOLDER, ENVIRONMENTS, DECISIONS[0], *WORLD, *OUTPUT)),
    Command(
        "doctor",
        "who you are, what you may, what is missing and how to mend it",
        (FOLDER, PROVE, *SETUP, ENVIRONMENTS, DECISIONS[0], *WORLD, *OUTPUT),
    ),
    Command(
        "runs",
        "runs of the workflows on GitHub: list, watch, launch, approve or reject what waits, rerun, cancel, read logs",
        (FOLDER, *RUNS, ENVIRONMENTS, REPOSITORY, DECISIONS[0], WORLD[0], WORLD[2], *OUTPUT),
        (
            Words(
                "ACTION",
                "list, watch, launch, approve, reject, rerun, cancel, logs, or last (what was deployed last)",
                "?",
                ("list", "watch", "launch", "approve", "reject", "rerun", "cancel", "logs", "last"),
            ),
            Words(
                "WHICH",
                "a run by its id or address (default: the newest that fits); launch: a workflow's file",
                "?",
                workflows=True,
            ),
        ),
    ),
    Command(
        "logs",
        "what code that ran in an environment has told of itself: log, spans, errors, metrics",
        (FOLDER, *LOGS, ONE_ENVIRONMENT, DECISIONS[0], *WORLD, *OUTPUT),
    ),
    Command(
        "dev",
        "this machine beside an environment: set it up, check it, push the framework, run a script there, sync files",
        (FOLDER, *DEV, ONE_ENVIRONMENT, *DECISIONS, *WORLD, *OUTPUT),
        (
            Words("ACTION", f"one of {', '.join(DEV_ACTIONS)}", "?", DEV_ACTIONS),
            Words(
                "WORD",
                "run: SCRIPT or notebook, then its parameters (after -- where they begin with a dash); "
                "sync: FOLDER and PATH in the workspace (default: --root, and its name in your home folder)",
            ),
        ),
    ),
    Command(
        "sandbox",
        "the embedded cloud: serve it, reset it, show its state or its requests; push to its repository, propose, tag",
        (
            *SANDBOX_REPOSITORY,
            Option("port", "port of the resource manager while serving", metavar="PORT"),
            Option("state", "the state file", metavar="FILE", variables=("DBXWIZARD_SANDBOX_STATE",)),
            Option("latency", "how long its operations take", Kind.CHOICE, choices=("zero", "demo", "real")),
            Option("faults", "a JSON file with fault rules", metavar="FILE"),
            *OUTPUT,
        ),
        (
            Words("ACTION", f"one of {', '.join(SANDBOX_ACTIONS)}", "?", SANDBOX_ACTIONS),
            Words(
                "WORD",
                "PATH… of push; open, merge, list or close, and a NUMBER, of pr; NAME of tag",
                offers=("open", "merge", "list", "close"),
            ),
        ),
    ),
    Command(
        "serve",
        "the terminal program in a browser, a process for each tab; prints the address with its token",
        (
            Option(
                "host", "address to listen on; another than loopback needs TLS", default="127.0.0.1", metavar="HOST"
            ),
            Option("port", "port to listen on, 0 for any", default="8000", metavar="PORT"),
            Option("tls-cert", "PEM file with the certificate", metavar="FILE"),
            Option("tls-key", "PEM file with its private key", metavar="FILE"),
            Option("sessions", "how many may be open at once", default="8", metavar="N"),
            FOLDER,
            *TERMINAL,
            DEPLOY[0],
            *WORLD,
            *OUTPUT,
        ),
    ),
    Command(
        "completion",
        "print the completion script of a shell",
        OUTPUT,
        (Words("SHELL", "bash, zsh or fish", "?", ("bash", "zsh", "fish")),),
    ),
    Command(
        OPEN,
        "the terminal program: a wizard for the first time, a console for every day",
        (FOLDER, *TERMINAL, DEPLOY[0], *WORLD, LOG_FILE),
        hidden=True,
    ),
    Command(
        "host",
        "the part of the terminal program that talks to the services",
        (FOLDER, TERMINAL[2], DEPLOY[0], *WORLD, LOG_FILE),
        hidden=True,
    ),
)

SHOWN = tuple(command for command in COMMANDS if not command.hidden)
BY_NAME = {command.name: command for command in COMMANDS}
