"""Whatever goes wrong is told as a problem document, and never more of the inside than helps."""

import logging
import socket
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from rig.daemon import problems
from rig.errors import (
    BadInput,
    CameraError,
    ConfigError,
    DatasetError,
    FrameTimeout,
    MarlinHalted,
    MissingPackage,
    ModelError,
    NotFound,
    RigBusy,
    RigError,
    StorageError,
)
from tests.daemon.served import Answer, ask, listening

ERRORS: dict[type[RigError], int] = {
    BadInput: 422,
    NotFound: 404,
    ConfigError: 409,
    DatasetError: 409,
    ModelError: 409,
    RigBusy: 409,
    problems.Refused: 409,
    StorageError: 507,
    MissingPackage: 503,
    CameraError: 503,
    FrameTimeout: 503,
    MarlinHalted: 503,
}


def _app() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.get("/raise/{name}")
    def fail(name: str) -> None:
        error = next(kind for kind in ERRORS if kind.__name__ == name)("it broke", hint="mend it")
        error.add_note("it lies on the table")
        raise error

    @app.get("/number/{number}")
    def take(number: int, most: int = 1) -> int:
        return number + most

    @app.post("/number/{number}")
    def put(number: int, said: dict[str, int]) -> int:
        return number

    @app.get("/unforeseen")
    def stumble() -> None:
        raise ValueError("the secret of the inside")

    @app.get("/torn")
    def tear() -> StreamingResponse:
        def pieces() -> Iterator[bytes]:
            yield b"begun"
            raise ValueError("torn")

        return StreamingResponse(pieces())

    return app


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server where everything goes wrong."""
    with listening(_app()) as number:
        yield number


def _problem(answer: Answer, status: int) -> Any:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json
    assert document["status"] == status
    problems.Problem.model_validate(document)
    return document


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_of_the_rig_says_what_and_what_to_do(port: int, kind: type[RigError]) -> None:
    document = _problem(ask(port, "GET", f"/raise/{kind.__name__}"), ERRORS[kind])
    assert document["type"] == f"/problems/{kind.__name__}"
    assert (document["detail"], document["hint"]) == ("it broke", "mend it")
    assert document["notes"] == ["it lies on the table"]
    assert kind.__doc__ is not None
    assert kind.__doc__.startswith(document["title"])


def test_values_that_cannot_be_used_are_named_one_by_one(port: int) -> None:
    document = _problem(ask(port, "GET", "/number/one?most=many"), 422)
    assert [misfit["where"] for misfit in document["errors"]] == ["path.number", "query.most"]
    assert "path.number: Input should be a valid integer" in document["detail"]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe{}", b'{"a": "\\ud800"}', b"[" * 5000, b""])
def test_a_body_that_is_none_is_bad_input(port: int, body: bytes) -> None:
    answer = ask(port, "POST", "/number/1", body, {"Content-Type": "application/json"})
    assert answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "/openapi.json" in _problem(answer, answer.status)["hint"]


def test_what_is_not_there_is_said(port: int) -> None:
    document = _problem(ask(port, "GET", "/nowhere"), 404)
    assert document["type"] == "about:blank"
    assert document["detail"] == "there is nothing at /nowhere"
    assert "/openapi.json" in document["hint"]


def test_all_methods_of_an_address_are_named_of_which_each_has_a_route_of_its_own(port: int) -> None:
    answer = ask(port, "DELETE", "/number/1")
    assert _problem(answer, 405)["detail"] == "/number/1 takes GET and POST, not DELETE"
    assert answer.headers["allow"] == "GET, POST"


def test_what_nobody_foresaw_is_in_the_log_alone(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = ask(port, "GET", "/unforeseen")
    document = _problem(answer, 500)
    assert b"secret" not in answer.body
    assert "log" in document["hint"]
    (record,) = [record for record in caplog.records if record.name == problems.__name__]
    assert record.getMessage() == "GET /unforeseen failed"
    assert record.exc_info is not None
    assert "the secret of the inside" in str(record.exc_info[1])
    assert ask(port, "GET", "/number/1").json == 2


def test_an_answer_that_breaks_off_is_no_whole_one(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET /torn HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert b"begun" in received
    assert not received.endswith(b"0\r\n\r\n")


def test_the_schema_has_problems_and_no_errors_of_the_framework() -> None:
    app = _app()
    described = app.openapi()
    assert described is app.openapi()
    schemas = described["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert {"Problem", "Misfit"} <= schemas.keys()
    responses = described["paths"]["/number/{number}"]["get"]["responses"]
    assert responses["422"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
