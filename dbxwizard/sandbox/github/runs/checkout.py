"""The repository in a workspace, fetched from its bare repository; its `origin` is the sandbox's GitHub.

actions/checkout at v7: github.com/actions/checkout/blob/v7.0.1/action.yml. Of its inputs `ref`, `fetch-depth`, `path`,
`persist-credentials` and `clean` are known; any other is refused.
"""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

from dbxwizard.sandbox.actions.running.job import Action, ActionCall, StepError

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
_INPUTS = {"ref": "", "fetch-depth": "1", "path": "", "persist-credentials": "true", "clean": "true"}


def checkout(bare: Path, sha: str, token: str) -> Action:
    """The action for a job at the commit `sha`, whose own token is `token`."""

    def act(call: ActionCall) -> None:
        unknown = sorted(call.inputs.keys() - _INPUTS.keys())
        if unknown:
            raise StepError(f"The sandbox's actions/checkout does not know: {', '.join(unknown)}")
        inputs = {**_INPUTS, **call.inputs}
        place = (call.workspace / inputs["path"]).resolve()
        if not place.is_relative_to(call.workspace.resolve()):
            raise StepError(f"Repository path '{place}' is not under '{call.workspace}'")
        place.mkdir(parents=True, exist_ok=True)
        depth = [] if inputs["fetch-depth"] == "0" else ["--depth", inputs["fetch-depth"]]
        (place / ".git" / "config").unlink(missing_ok=True)  # of a checkout before this one
        _git(call, place, "init", "--quiet")
        _point_to_origin(call, place, token if inputs["persist-credentials"] == "true" else "")
        refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"] if not depth else []
        wanted = _commit(call, bare, inputs["ref"] or sha)
        _git(call, place, "fetch", "--quiet", "--no-tags", *depth, bare.as_uri(), wanted, *refs)
        _git(call, place, "checkout", "--quiet", "--force", "--detach", wanted)
        call.outputs["commit"], call.outputs["ref"] = wanted, inputs["ref"]
        call.log(f"HEAD is now at {wanted}")

    return act


def _point_to_origin(call: ActionCall, place: Path, token: str) -> None:
    """Where `git fetch` and `git push` of later steps go. A token is written into the workspace alone."""
    server = call.environment["GITHUB_SERVER_URL"]
    _git(call, place, "remote", "add", "origin", f"{server}/{call.environment['GITHUB_REPOSITORY']}")
    settings = f'[http "{server}/"]\n\tsslCAInfo = {call.environment["SSL_CERT_FILE"]}\n'
    if token:
        header = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        settings += f"\textraheader = AUTHORIZATION: basic {header}\n"
    with (place / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write(settings)


def _commit(call: ActionCall, bare: Path, ref: str) -> str:
    for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}"):
        found = _run(call, bare, "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
        if found.returncode == 0:
            return found.stdout.strip()
    raise StepError(f"A branch or tag with the name '{ref}' could not be found")


def _git(call: ActionCall, folder: Path, *arguments: str) -> None:
    ended = _run(call, folder, *arguments)
    if ended.returncode:
        raise StepError(f"git {arguments[0]}: {ended.stderr.strip()}")


def _run(call: ActionCall, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
    environment = {"PATH": call.environment["PATH"], **own}
    command = ["git", "-c", "uploadpack.allowAnySHA1InWant=true", "-c", "safe.directory=*", *arguments]
    return subprocess.run(  # noqa: S603 - fixed words, and a ref that rev-parse has to know
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
