"""Rule files in a folder of their own, and the plugins that they may name."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from responder import actions
from responder.plugins.registry import Registry, discover
from responder.rules.loading import Report, check
from tests.rules import plugins

Check = Callable[..., Report]


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The test plugins and the real actions."""
    return discover([plugins, actions])


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Path]]:
    """Write files by name, `pack/file` as `pack__file`; answer the paths of packs and single files, by name."""
    monkeypatch.chdir(tmp_path)

    def written(**files: str) -> list[Path]:
        tops: dict[str, None] = {}
        for name, text in files.items():
            path = Path(*name.replace("_dash_", "-").split("__")).with_suffix(".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
            tops[path.parts[0]] = None
        return [Path(top) for top in tops]

    return written


@pytest.fixture
def checked(write: Callable[..., list[Path]], registry: Registry) -> Check:
    """Write files and check them."""
    return lambda **files: check(write(**files), registry)
