"""What the README tells a newcomer to do works when followed."""

import re
from pathlib import Path

from graphs.definition import Node
from graphs.events import RunCompleted
from graphs.node_type import NodeType
from tests.graphs.engine import Execution, chain

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


async def test_the_node_type_of_the_readme_runs() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", README, re.S)
    module: dict[str, object] = {"__name__": "shout"}
    exec(compile(source, "README.md", "exec"), module)
    kind = module["Shout"]
    assert isinstance(kind, type)
    assert issubclass(kind, NodeType)
    node = Node(id="x", type="shout", params={"text": "hello {{ input.name }}"})
    end = await Execution(chain(node), kind(), inputs={"name": "Ada"}).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": {"text": "HELLO ADA"}}


def test_what_the_readme_names_exists() -> None:
    for path in re.findall(r"`((?:graphs|backend|ui|tests)/[\w./]+)`", README):
        if path != "graphs/nodes/shout.py" and path != "tests/graphs/nodes/test_shout.py":
            assert (ROOT / path).exists(), path
    for image in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / image).exists(), image


def test_every_setting_is_in_the_readme() -> None:
    source = (ROOT / "backend" / "settings.py").read_text()
    for variable in set(re.findall(r"HEDDLE_[A-Z_]+[A-Z]", source)):
        assert variable in README, variable
