"""Every option, declared once: rendered as a command line option, as a field of a form and in the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    TEXT = "text"
    FLAG = "flag"
    MANY = "many"  # may be given several times
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Option:
    """`name` without dashes; `variables`: the environment variables that decide it where the option is not given.

    `required`: there is no sensible default, somebody has to decide.
    """

    name: str
    help: str
    kind: Kind = Kind.TEXT
    default: str = ""
    choices: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    metavar: str = ""
    short: str = ""
    required: bool = False

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")

    def from_environment(self, environ: Mapping[str, str]) -> str | None:
        """The value that the environment decides; None when it does not."""
        return next((environ[name] for name in self.variables if environ.get(name)), None)


def _flag(name: str, help_text: str, *variables: str, short: str = "") -> Option:
    return Option(name, help_text, Kind.FLAG, variables=variables, short=short)


LOG_FILE = Option("log-file", "write the full log here", metavar="FILE", variables=("DBXWIZARD_LOG_FILE",))

OUTPUT = (
    Option(
        "output",
        "form of the result on stdout (default: text; github inside GitHub Actions)",
        Kind.CHOICE,
        choices=("text", "json", "github"),
        variables=("DBXWIZARD_OUTPUT",),
    ),
    _flag("quiet", "no narration on stderr, only errors", short="q"),
    _flag("verbose", "each step, wait and retry on stderr", short="v"),
    LOG_FILE,
    Option("events", "write each event as one JSON line to FILE, - for stdout", metavar="FILE"),
)

DECISIONS = (
    _flag("non-interactive", "never ask; on by itself when CI=true or there is no terminal"),
    _flag("yes", "apply without asking for confirmation", short="y"),
)

WORLD = (
    _flag("sandbox", "run against the embedded cloud on this machine", "DBXWIZARD_SANDBOX"),
    Option(
        "cloud",
        "AzureCloud, AzureUSGovernment, AzureChinaCloud or the url of a resource manager",
        default="AzureCloud",
        metavar="CLOUD",
        variables=("DBXWIZARD_CLOUD",),
    ),
    Option(
        "github-url",
        "url of a GitHub Enterprise Server",
        default="https://github.com",
        metavar="URL",
        variables=("DBXWIZARD_GITHUB_URL", "GITHUB_SERVER_URL"),
    ),
    Option(
        "tenant",
        "the Entra tenant (default: the subscription's)",
        metavar="ID",
        variables=("AZURE_TENANT_ID", "ARM_TENANT_ID"),
    ),
    Option(
        "sign-in",
        "how to sign in to Azure",
        Kind.CHOICE,
        default="auto",
        choices=("auto", "browser", "device-code", "azure-cli", "environment", "github-oidc"),
        variables=("DBXWIZARD_SIGN_IN",),
    ),
)

TERMINAL = (
    _flag("wizard", "open the wizard, whatever is set up already"),
    _flag("console", "open the console, whatever is not set up yet"),
    _flag("read-only", "look at everything, change nothing", "DBXWIZARD_READ_ONLY"),
    _flag("no-animation", "nothing moves by itself", "DBXWIZARD_NO_ANIMATION"),
    _flag(
        "screen-reader",
        "for a screen reader: the cursor stands where the keys act, nothing moves by itself",
        "DBXWIZARD_SCREEN_READER",
    ),
)

FOLDER = Option(
    "root", "the folder that holds environments/", default=".", metavar="DIR", variables=("DBXWIZARD_ROOT",)
)

ENVIRONMENTS = Option(
    "environment", "an environment by name; repeat for several (default: all)", Kind.MANY, metavar="NAME", short="e"
)

ONE_ENVIRONMENT = replace(ENVIRONMENTS, help="the environment by name (may be left out where there is only one)")

AUTH = Option(
    "auth",
    "how GitHub signs in to Azure: federated credentials (no secret) or client secrets",
    Kind.CHOICE,
    default="federated",
    choices=("federated", "secret"),
    variables=("DBXWIZARD_AUTH",),
)

NO_ENVIRONMENTS = _flag(
    "no-github-environments",
    "for a private repository on GitHub Free: variables and secrets of the repository, trust in its branches, "
    "no reviewers",
    "DBXWIZARD_NO_GITHUB_ENVIRONMENTS",
)

REPOSITORY = Option(
    "repo",
    "the GitHub repository",
    metavar="OWNER/NAME",
    variables=("DBXWIZARD_REPO", "GITHUB_REPOSITORY"),
    required=True,
)

SETUP = (
    Option(
        "subscription",
        "id of the Azure subscription",
        metavar="ID",
        variables=("DBXWIZARD_SUBSCRIPTION", "AZURE_SUBSCRIPTION_ID"),
        required=True,
    ),
    REPOSITORY,
    AUTH,
    Option(
        "isolation",
        "one pair of service principals for all environments, or one pair each",
        Kind.CHOICE,
        default="shared",
        choices=("shared", "environment"),
    ),
    _flag("owner", "give the main service principal Owner, as the accelerator has it"),
    Option("main-spn-name", "name of the main service principal", metavar="NAME"),
    Option("databricks-spn-name", "name of the Databricks service principal", metavar="NAME"),
    Option("plan-spn-name", "name of the service principal that only plans", metavar="NAME"),
    Option("role-name", "name of the custom role", default="DBX_Custom_Role", metavar="NAME"),
    Option(
        "adopt",
        "take over the existing application with this id: the first for main-spn, the second for databricks-spn, the "
        "third for plan-spn",
        Kind.MANY,
        metavar="[KEY=]ID",
    ),
    _flag("no-publish", "leave the files of this folder to your own commit"),
    NO_ENVIRONMENTS,
    Option(
        "reviewer",
        "who may approve deployments to Production: a login, or team:ORG/SLUG; repeat for several (default: those that "
        "are set, else you)",
        Kind.MANY,
        metavar="LOGIN",
    ),
    Option("wait-minutes", "minutes that a deployment to Production waits (default: as it is set)", metavar="N"),
    _flag(
        "no-approval",
        "nobody has to approve a deployment to Production: for a private repository without GitHub Enterprise",
        "DBXWIZARD_NO_APPROVAL",
    ),
    _flag(
        "no-rulesets",
        "no rules for main and release: whoever may push to them does",
        "DBXWIZARD_NO_RULESETS",
    ),
)

NO_PROOF = _flag(
    "no-proof", "do not end with a run on GitHub that proves that the jobs can sign in to Azure", "DBXWIZARD_NO_PROOF"
)

INIT = (
    _flag("force", "overwrite files that are there"),
    _flag("update", "bring the workflows up to date: shows the diff, keeps what you changed in them"),
    Option(
        "install-from",
        "where the workflows get dbxwizard: an index, the address of a wheel, or a wheel on this machine",
        metavar="INDEX|URL|WHEEL",
        variables=("DBXWIZARD_INSTALL_FROM",),
    ),
    AUTH,
    NO_ENVIRONMENTS,
    WORLD[2],
    WORLD[0],
)

# What `sandbox push`, `sandbox pr` and `sandbox tag` take.
SANDBOX_REPOSITORY = (
    Option("branch", "push: the branch, made where it is missing (default: the default branch)", metavar="NAME"),
    Option("message", "push: of the commit", metavar="TEXT", short="m"),
    Option("head", "pr open: the branch that is proposed", metavar="BRANCH"),
    Option("base", "pr open: the branch that it goes to (default: the default branch)", metavar="BRANCH"),
    Option("title", "pr open: of the pull request", metavar="TEXT"),
    _flag("from-fork", "push, pr open: as somebody else, from a fork"),
    Option("at", "tag: the branch, tag or commit that it is put on (default: the default branch)", metavar="REF"),
    Option("repo", "the sandbox's repository", default="contoso/databricks", metavar="OWNER/NAME"),
    FOLDER,
)

DEPLOY = (
    Option(
        "ref",
        "branch, tag or commit that jobs and Git folders are set to, or BRANCH@COMMIT (default: what is checked out)",
        metavar="REF",
        variables=("DBXWIZARD_REF",),
    ),
    Option("plan", "apply this saved plan, and nothing else", metavar="FILE"),
    Option(
        "since",
        "the commit that was deployed before: Azure resources whose files are unchanged since are left as they are",
        metavar="COMMIT",
        variables=("DBXWIZARD_SINCE",),
    ),
)

# docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository: statuses and conclusions
_STATES = ("queued", "in_progress", "waiting", "completed", "success", "failure", "cancelled", "skipped", "timed_out")

STARTED_ON = Option("ref", "branch or tag that the workflow is started on (default: the default branch)", metavar="REF")

WORKFLOW = Option("workflow", "only runs of this workflow, by the name of its file", metavar="WORKFLOW")

LEVELS = ("verbose", "information", "warning", "error", "critical")
LOGS = (
    Option("within", "how far back: 30m, 6h, 2d", default="1h", metavar="TIME"),
    Option("commit", "only what the code of this commit told", metavar="SHA"),
    Option("job-run", "only what this run of a job told", metavar="ID"),
    Option("level", "only records of this level or above", Kind.CHOICE, choices=LEVELS),
    _flag("follow", "go on with what is told from now on", short="f"),
)

DEV = (
    Option("cluster", "the cluster by name or id (default: the one that gets the wheels)", metavar="NAME"),
    Option(
        "auth",
        "how code on this machine signs in to Databricks: as you, or with an access token",
        Kind.CHOICE,
        default="oauth",
        choices=("oauth", "token"),
    ),
    _flag("watch", "push, sync: again on every save, until ctrl+c", short="w"),
)

RUNS = (
    WORKFLOW,
    Option("branch", "only runs on this branch or tag", metavar="BRANCH"),
    Option("state", "only runs of this state", Kind.CHOICE, choices=_STATES),
    Option("limit", "list: how many runs at the most", default="20", metavar="N"),
    STARTED_ON,
    Option("input", "launch: an input of the workflow", Kind.MANY, metavar="NAME=VALUE", short="i"),
    _flag("follow", "launch, rerun, approve: follow the run, and end as it ends", short="f"),
    Option("job", "logs, rerun: only this job, by its name or id", metavar="JOB"),
    _flag("failed", "logs, rerun: only the jobs that failed"),
    Option("attempt", "logs: of an earlier attempt (default: the newest)", metavar="N"),
    Option("comment", "approve, reject: what to say with it", metavar="TEXT"),
)

WHERE = Option(
    "on",
    "where it runs: here, or on GitHub by deploy.yml (without -e: full-deployment.yml), followed to its end; "
    "--ref is then the branch or tag that it is started on",
    Kind.CHOICE,
    default="here",
    choices=("here", "github"),
)

PROVE = Option(
    "prove-sign-in",
    "only prove that Azure lets you in; for so many seconds trust and rights may still be spreading there",
    metavar="SECONDS",
)

PLAN = (
    Option(
        "scope",
        "what to look at",
        Kind.CHOICE,
        default="deploy",
        choices=("setup", "deploy", "all"),
    ),
    _flag("detailed-exitcode", "exit with 4 when there are changes"),
    Option("save", "save the plan to FILE, for `deploy --plan FILE`", metavar="FILE"),
    Option("comment", "write the plan on this pull request, as one comment that is kept up to date", metavar="NUMBER"),
    _flag("issue", "keep an issue for each environment that differs from its files: opened, updated, closed"),
)
