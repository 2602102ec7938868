"""The OpenAPI document is valid and speaks of every route."""

import aiohttp
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.web.house import House


async def test_the_document_is_valid(house: House, stranger: aiohttp.ClientSession) -> None:
    async with stranger.get(f"{house.url}/openapi.json") as answer:
        described = await answer.json()
    assert [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()] == []


async def test_every_route_is_described_with_its_answers(house: House) -> None:
    described = house.door.openapi()["paths"]
    operations = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert operations == {(route.method, route.path) for route in house.door.routes}
    assert set(described["/v1/webhooks/alertmanager"]["post"]["responses"]) == {
        "200",
        "400",
        "401",
        "403",
        "413",
        "415",
        "422",
        "503",
    }


async def test_the_parameters_of_a_list_are_described(house: House) -> None:
    parameters = house.door.openapi()["paths"]["/v1/incidents"]["get"]["parameters"]
    assert [one["name"] for one in parameters] == ["limit", "status", "severity", "rule", "after"]


async def test_nothing_is_ever_answered_with_a_redirect_or_429(house: House) -> None:
    statuses = {status for route in house.door.routes for status in route.answers}
    assert not {status for status in statuses if 300 <= status < 400 or status == 429}
