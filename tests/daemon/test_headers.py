"""What browsers are told to keep to themselves, with every answer of a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.serving import OPEN_TO_ALL, Running, serving

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path, OPEN_TO_ALL) as running:
        yield running


def _policy(said: str) -> dict[str, set[str]]:
    return {directive.split()[0]: set(directive.split()[1:]) for directive in said.split(";")}


@pytest.mark.parametrize(
    ("line", "status"),
    [("GET /", 200), ("GET /page/app.js", 200), ("GET /api/v1/state", 200), ("GET /nowhere", 404),
     ("GET /page/../x", 404), ("POST /api/v1/state", 405), ("POST /api/v1/login", 422)],
)  # fmt: skip
def test_every_answer_has_them(tmp_path: Path, line: str, status: int) -> None:
    with serving(tmp_path) as running:
        for answer in (running.ask(line), running.ask_over_socket(line)):
            assert answer.status == status
            assert ALWAYS.items() <= answer.headers.items()
            assert "camera=()" in answer.headers["permissions-policy"]
            assert "content-security-policy" in answer.headers
            assert "server" not in answer.headers


def test_refusals_and_errors_have_them_as_well(far: Running) -> None:
    text = far.tokens.create("phone")
    shown = {"Authorization": f"Bearer {text}"}
    for headers, status in (({}, 401), ({"Host": "evil.example"}, 421), (shown, 500)):
        answer = far.ask("GET /api/v1/broken", headers)
        assert answer.status == status
        assert ALWAYS.items() <= answer.headers.items()
        assert answer.headers["cache-control"] == "no-store"


def test_the_page_runs_its_own_scripts_and_styles_only(far: Running) -> None:
    for path in ("/", "/page/app.js"):
        policy = _policy(far.ask(f"GET {path}").headers["content-security-policy"])
        assert policy == {
            "default-src": {"'none'"},
            "script-src": {"'self'"},
            "style-src": {"'self'"},
            "img-src": {"'self'", "blob:", "data:"},
            "connect-src": {"'self'"},
            "base-uri": {"'none'"},
            "form-action": {"'self'"},
            "frame-ancestors": {"'none'"},
        }


def test_a_training_report_keeps_its_style_and_gets_no_script(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        policy = _policy(
            running.ask("GET /api/v1/models/m/report/index.html").headers["content-security-policy"]
        )
        assert policy["style-src"] == {"'unsafe-inline'"}
        assert policy["default-src"] == {"'none'"}
        assert policy["img-src"] == {"'self'", "data:"}
        assert policy["sandbox"] == {"allow-same-origin"}
        assert "script-src" not in policy
        for near_miss in (
            "/api/v1/models/m/reports/index.html",
            "/api/v1/models/report/index.html",
            "/api/v1/state",
        ):
            policy = _policy(running.ask(f"GET {near_miss}").headers["content-security-policy"])
            assert "style-src" not in policy


def test_what_the_api_says_is_stored_nowhere(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert running.ask("GET /api/v1/state").headers["cache-control"] == "no-store"
        assert running.ask("GET /health").headers["cache-control"] == "no-store"
        # A daemon that was updated has another page.
        assert running.ask("GET /page/app.js").headers["cache-control"] == "no-cache"
        # Who knows better says so.
        assert running.ask("GET /api/v1/picture").headers["cache-control"] == "private, immutable"
