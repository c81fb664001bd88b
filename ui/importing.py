"""Importing workflows from exported files: the button and the menu entry that open the chooser."""

from nicegui import ui

from ui.controls import button, menu_item

CHOOSE = "() => window.heddleChooseImport()"
"""In the browser, which opens a chooser only while it handles the click itself."""

HINT = "Import workflows from JSON or YAML files"


def import_button() -> ui.button:
    """Opens the file chooser; what is chosen becomes workflows, or says by file why not."""
    made = button("Import", icon="upload_file").on("click", js_handler=CHOOSE)
    made.props["title"] = HINT
    return made.mark("import")


def import_item() -> ui.menu_item:
    """The same as an entry of a menu."""
    return menu_item("Import…", "upload_file").on("click", js_handler=CHOOSE)
