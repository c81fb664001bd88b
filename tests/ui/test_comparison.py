"""The comparison of two versions, as the editor's page shows it."""

from backend.workflows.compare import compare
from backend.workflows.schemas import Comparison
from graphs.definition import Definition, Group, Node
from ui.pages.versions import comparison_html


def test_a_group_is_told_and_said_to_be_layout() -> None:
    nodes = [Node(id="a", type="merge")]
    found = compare(
        Definition(nodes=nodes),
        Definition(nodes=nodes, groups=[Group(id="g", name="Clean <up>", members=["a"])]),
    )
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    html = comparison_html(Comparison(from_version=1, to_version=None, **fields))
    assert "Groups (layout only)" in html
    assert "Clean &lt;up&gt;" in html
    assert not found.identical
