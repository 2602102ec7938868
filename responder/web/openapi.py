"""The OpenAPI document, generated from the table of routes and the types of the documents."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from responder.web.access import Access
from responder.web.routes import Route

FORM = "application/x-www-form-urlencoded"
_REF = "#/components/schemas/{model}"


def describe(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """Write the OpenAPI 3.1 document of the routes."""
    routes = tuple(routes)
    models = {a for route in routes for a in route.answers.values() if not isinstance(a, str)}
    bodies = {route.body for route in routes if not isinstance(route.body, str)}
    _, schemas = models_json_schema(
        [
            *((model, "serialization") for model in sorted(models, key=lambda model: model.__name__)),
            *((model, "validation") for model in sorted(bodies, key=lambda model: model.__name__)),
        ],
        ref_template=_REF,
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Responder", "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "certificate": {"type": "mutualTLS"},
                "person": {"type": "http", "scheme": "bearer", "description": "The token of a person."},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "parameters": [*_path_parameters(route.path), *_query_parameters(route.query)],
        "responses": {str(status): _response(status, answer) for status, answer in route.answers.items()},
        "security": _security(route.access),
    }
    if isinstance(route.body, str) and route.body:
        form = FORM if route.access is Access.SIGNED else "application/json"
        content = {form: {"schema": {"type": "object", "description": route.body}}}
        operation["requestBody"] = {"required": True, "content": content}
    elif not isinstance(route.body, str):
        required = any(field.is_required() for field in route.body.model_fields.values())
        content = {"application/json": {"schema": {"$ref": _REF.format(model=route.body.__name__)}}}
        operation["requestBody"] = {"required": required, "content": content}
    return operation


def _security(access: Access) -> list[dict[str, list[str]]]:
    match access:
        case Access.OPEN | Access.SIGNED:
            return []
        case Access.PERSON:
            return [{"person": []}]
        case Access.SENDER:
            return [{"bearer": []}, {"basic": []}, {"certificate": []}]
        case Access.READER:
            return [{"bearer": []}, {"basic": []}, {"certificate": []}, {"person": []}]


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query_parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = query.model_json_schema(ref_template=_REF)
    return [
        {"name": name, "in": "query", "description": part.pop("description", ""), "schema": _inline(part, schema)}
        for name, part in schema["properties"].items()
    ]


def _inline(part: Any, schema: Mapping[str, Any]) -> Any:
    """Put definitions in the place of references to them: parameters have no components of their own."""
    if isinstance(part, list):
        return [_inline(item, schema) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
    return {key: _inline(value, schema) for key, value in part.items()}


def _response(status: int, answer: type[BaseModel] | str) -> dict[str, Any]:
    described = {"description": HTTPStatus(status).phrase}
    if isinstance(answer, str):
        return {**described, "content": {answer: {"schema": {"type": "string"}}}}
    return {**described, "content": {"application/json": {"schema": {"$ref": _REF.format(model=answer.__name__)}}}}
