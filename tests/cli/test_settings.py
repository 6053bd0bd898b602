import json

import pytest

from akool_async.cli import settings
from akool_async.errors import ConfigurationError

KEY = "k3y-of-the-file"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in ("API_KEY", "CLIENT_ID", "CLIENT_SECRET", "API_URL", "API_HOST"):
        monkeypatch.delenv(f"AKOOL_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(home, content):
    folder = home / ".akool"
    folder.mkdir()
    (folder / "config.json").write_text(content)


def sent_key(client):
    (secret,) = client._executor.auth.secrets()
    return secret


@pytest.mark.parametrize("name", ["api_key", "apiKey", "AKOOL_API_KEY"])
def test_the_vendors_file_has_key_and_host(home, name):
    write(home, json.dumps({name: KEY, "api_host": "https://api.example"}))
    client = settings.client(None)
    assert (sent_key(client), client.base_url) == (KEY, "https://api.example")
    assert settings.source() == "~/.akool/config.json"


def test_the_vendors_file_has_a_client_id_and_secret(home):
    write(home, json.dumps({"clientId": "id", "clientSecret": "s3cret"}))
    assert sent_key(settings.client(None)) == "s3cret"


def test_half_of_a_pair_is_no_credentials(home):
    write(home, json.dumps({"clientId": "id"}))
    with pytest.raises(ConfigurationError, match=r"config.json has neither api_key nor"):
        settings.client(None)


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"])
def test_a_host_on_this_machine_is_a_simulator(monkeypatch, host):
    monkeypatch.setenv("AKOOL_API_KEY", "key")
    monkeypatch.setenv("AKOOL_API_HOST", host)
    assert settings.client(None).base_url == f"http://{host}"
    assert settings.client(" ").base_url == f"http://{host}"


def test_a_wrong_address_is_said_of_where_it_was_given(home, monkeypatch):
    write(home, json.dumps({"api_key": KEY, "api_host": "ftp://api.example"}))
    with pytest.raises(ConfigurationError, match=r"^api_host in ~/.akool/config.json: base_url"):
        settings.client(None)
    monkeypatch.setenv("AKOOL_API_HOST", "[::1")
    with pytest.raises(ConfigurationError, match=r"^AKOOL_API_HOST: base_url"):
        settings.client(None)
    with pytest.raises(ConfigurationError, match=r"^--url or AKOOL_API_URL: base_url"):
        settings.client("api.example")


def test_the_environments_key_is_not_sent_to_the_files_host(home, monkeypatch):
    write(home, json.dumps({"api_key": KEY, "api_host": "https://api.example"}))
    monkeypatch.setenv("AKOOL_API_KEY", "other")
    client = settings.client(None)
    assert (sent_key(client), client.base_url) == ("other", "https://openapi.akool.com")
    assert settings.source() == "AKOOL_API_KEY"


@pytest.mark.parametrize("host", ["api.example", "https://api.example"])
def test_the_vendors_variable_names_the_host_unless_ours_does(monkeypatch, host):
    monkeypatch.setenv("AKOOL_API_KEY", "key")
    monkeypatch.setenv("AKOOL_API_HOST", host)
    assert settings.client(None).base_url == "https://api.example"
    monkeypatch.setenv("AKOOL_API_URL", "https://ours.example")
    assert settings.client(None).base_url == "https://ours.example"
    assert settings.client("https://given.example").base_url == "https://given.example"


@pytest.mark.parametrize("content", [f"{KEY}, not JSON", f'["{KEY}"]', "[" * 50_000])
def test_a_file_that_is_no_object_is_named_and_not_quoted(home, content):
    write(home, content)
    with pytest.raises(ConfigurationError, match=r"~/\.akool/config\.json isn't a JSON") as raised:
        settings.client(None)
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_file_that_cannot_be_read(home):
    (home / ".akool" / "config.json").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"can't be read: Is a directory"):
        settings.client(None)


def test_without_any_of_them_it_names_the_variables():
    with pytest.raises(ConfigurationError, match="AKOOL_API_KEY"):
        settings.client(None)


async def test_a_command_with_the_file_alone(akool, akool_simulator, home):
    write(home, json.dumps({"api_key": KEY}))
    command = await akool("account", "--json", url=akool_simulator.url, key=None)
    assert await command.ended() == 0
    (request,) = akool_simulator.requests
    assert request.headers["x-api-key"] == KEY
