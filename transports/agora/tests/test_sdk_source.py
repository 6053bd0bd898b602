"""The stand-in's names and signatures are the SDK's.

Set AGORA_SDK_SOURCE to the unpacked source of agora-python-server-sdk 2.4.10 (the folder with its
setup.py). It is only read, never imported: importing it downloads native code.
"""

import ast
import dataclasses
import enum
import importlib.metadata
import inspect
import os
from pathlib import Path

import fake_agora
import pytest


def _source() -> Path | None:
    if folder := os.environ.get("AGORA_SDK_SOURCE"):
        return Path(folder)
    try:
        found = importlib.metadata.distribution("agora-python-server-sdk")
    except importlib.metadata.PackageNotFoundError:
        return None
    return Path(str(found.locate_file("")))


SOURCE = _source()
pytestmark = pytest.mark.skipif(
    SOURCE is None or not (SOURCE / "agora" / "rtc").is_dir(),
    reason="the source of agora-python-server-sdk isn't at hand (AGORA_SDK_SOURCE)",
)


def _tree(module: str) -> ast.Module:
    assert SOURCE is not None
    return ast.parse((SOURCE / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))


def _classes() -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for module in fake_agora.MODULES
        for node in _tree(module).body
        if isinstance(node, ast.ClassDef)
    }


def _own(kind: type) -> list[str]:
    """What the SDK has, too: the test's own handles come after the SDK's names."""
    ours = {"emit", "emit_to_user", "message", "sound", "idle", "stop"}
    return [
        name
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and name not in ours and not name.startswith("_")
    ] + (["__init__"] if "__init__" in vars(kind) and not dataclasses.is_dataclass(kind) else [])


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in fake_agora.MODULES.items() for name in names],
)
def test_names_and_signatures(module: str, name: str) -> None:
    theirs = {n.name: n for n in _tree(module).body if isinstance(n, ast.ClassDef)}[name]
    ours = getattr(fake_agora, name)
    fields = {
        node.target.id
        for node in theirs.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    if isinstance(ours, enum.EnumMeta):
        values = {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in theirs.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for member in ours:
            assert values[member.name] == member.value
    elif dataclasses.is_dataclass(ours):
        assert {field.name for field in dataclasses.fields(ours)} <= fields
    methods = {n.name: n for n in theirs.body if isinstance(n, ast.FunctionDef)}
    for method in _own(ours):
        given = [argument.arg for argument in methods[method].args.args]
        assert list(inspect.signature(getattr(ours, method)).parameters) == given, method


def test_the_defects_that_the_engine_works_around_are_still_there() -> None:
    assert SOURCE is not None
    package = (SOURCE / "agora" / "__init__.py").read_text(encoding="utf-8")
    assert "ssl._create_default_https_context = ssl._create_unverified_context" in package
    assert "sys.exit(1)" in package
    assert "urlretrieve" in package
    observers = SOURCE / "agora" / "rtc" / "_ctypes_handle"
    user = (observers / "_local_user_observer.py").read_text(encoding="utf-8")
    assert "ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t" in user
    assert "ctypes.string_at(data, size)" in user
    token = (observers / "_rtc_connection_observer.py").read_text(encoding="utf-8")
    assert 'logger.debug(f"ConnCB _on_token_privilege_will_expire: {agora_rtc_conn}, {token}")' in (
        token
    )
    connection = _classes()["RTCConnection"]
    methods = {n.name: ast.unparse(n) for n in connection.body if isinstance(n, ast.FunctionDef)}
    assert "self._unregister_local_user_observer()" in methods["disconnect"]
    assert "length = len(data)" in methods["send_stream_message"]
    assert "self._create_data_stream(False, False)" in methods["__init__"]
    service = _classes()["AgoraService"]
    start = next(
        n for n in service.body if isinstance(n, ast.FunctionDef) and n.name == "initialize"
    )
    assert ast.unparse(start).count("result = ") >= 2
    assert "self.inited = True" in ast.unparse(start)
