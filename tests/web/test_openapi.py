"""The OpenAPI document holds: schemathesis makes requests from it, and compares the answers with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from neardup_cli import build_hash_db
from neardup_cli.web import documents
from tests.web.conftest import serve

if TYPE_CHECKING:
    from tests.web.conftest import Running

from neardup_cli.web.app import create_app
from neardup_cli.web.options import ServeOptions

EXAMPLES = 8
SCHEMA = schemathesis.openapi.from_dict(create_app(Path("nowhere"), ServeOptions()).openapi())


@pytest.fixture(scope="module")
def fuzzed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose catalog may be written to."""
    catalog = build_hash_db(photos, tmp_path_factory.mktemp("fuzzed") / "photos.db", workers=2)
    yield from serve(catalog, ServeOptions())


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    database=None,
)
def test_every_operation_keeps_its_contract(case: Any, fuzzed: Running) -> None:
    # A schema cannot say what is a picture, or a path of the catalog: such input is refused, and may be.
    case.call_and_validate(base_url=fuzzed.url, timeout=30, excluded_checks=[positive_data_acceptance])


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_document_covers_what_is_promised(running: Running) -> None:
    document = running.client.get("/openapi.json").json()
    assert {(method, path) for method, path, _ in operations(document)} >= {
        ("get", "/healthz"),
        ("get", "/metrics"),
        ("post", "/api/detect"),
        ("get", "/preview"),
        ("get", "/api/groups"),
        ("get", "/api/groups/{group_id}"),
        ("get", "/api/decisions"),
        ("post", "/api/decisions"),
        ("post", "/api/plan"),
        ("post", "/api/apply"),
        ("post", "/api/undo"),
        ("get", "/api/compare"),
        ("post", "/api/scan"),
        ("get", "/api/scan/events"),
        ("get", "/api/stats"),
    }


def test_every_operation_is_described(running: Running) -> None:
    document = running.client.get("/openapi.json").json()
    for method, path, operation in operations(document):
        assert operation["description"].endswith("."), (method, path)
        assert operation["tags"], (method, path)


def bodies(document: Any) -> Iterator[tuple[str, str]]:
    """What each operation takes and answers as JSON: the operation, and the name of the schema."""
    for method, path, operation in operations(document):
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        for part in [operation.get("requestBody", {}), *answers]:
            schema = part.get("content", {}).get("application/json", {}).get("schema", {})
            if "$ref" in schema:
                yield f"{method} {path}", schema["$ref"].rpartition("/")[2]


def test_every_document_has_an_example_that_fits(running: Running) -> None:
    document = running.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    found = dict(bodies(document))
    assert len(found) > 15
    for operation, name in bodies(document):
        assert schemas[name]["examples"], operation
        model = getattr(documents, name)
        for example in model.model_config["json_schema_extra"]["examples"]:  # FastAPI leaves nulls out
            shown = model.model_validate(example).model_dump(mode="json", by_alias=True, exclude_unset=True)
            assert shown == example, operation


def test_every_parameter_has_a_default_or_an_example(running: Running) -> None:
    document = running.client.get("/openapi.json").json()
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            shown = {"default", "examples"} & (schema.keys() | parameter.keys())
            assert shown or parameter["in"] == "header", (method, path, parameter["name"])
