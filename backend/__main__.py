"""The `heddle` command."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from backend.actor import Role
from backend.errors import AppError, Invalid
from backend.settings import Settings, SettingsError
from backend.system.logs import configure_logs
from graphs.errors import DefinitionError, GraphError
from graphs.workers.privacy import hide_process


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 done, 1 failed, 2 not understood."""
    arguments = _parser().parse_args(argv)
    try:
        return _execute(arguments.command, arguments, Settings.from_env())
    except SettingsError as error:
        return _fail(str(error))
    except DefinitionError as error:
        return _refuse(Invalid.definition(error))
    except GraphError as error:
        return _fail(error.message)
    except AppError as error:
        return _refuse(error)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        return _fail(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        return 130


def _execute(command: str, arguments: Any, settings: Settings) -> int:
    # what it starts runs as the same user, and the environment holds secrets
    hide_process()
    # Standard output is the commands': a document or events that others read.
    configure_logs("warning" if settings.log_level == "info" else settings.log_level)
    # Each command imports only what it needs, so that none waits for another's second.
    match command:
        case "up" | "serve" | "migrate":
            from backend.commands import serving

            return getattr(serving, command)(settings)
        case "user":
            from backend.commands import users

            action = "list_all" if arguments.action == "list" else arguments.action
            return getattr(users, action)(settings, arguments)
        case _:
            from backend.commands import workflows

            action = "import_file" if arguments.action == "import" else arguments.action
            return getattr(workflows, action)(settings, arguments)


def _fail(message: str) -> int:
    sys.stderr.write(f"heddle: {message}\n")
    return 1


def _refuse(error: AppError) -> int:
    listed = [f"  {found.pointer}: {found.detail}" for found in error.errors if found.pointer]
    told_below = error.detail == "; ".join(found.detail for found in error.errors)
    return _fail("\n".join([error.title if listed and told_below else error.detail, *listed]))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="heddle",
        description="A visual workflow editor with a backend.",
        epilog="Settings come from the environment: HEDDLE_HOST, HEDDLE_PORT, HEDDLE_DATA_DIR, "
        "HEDDLE_DATABASE_URL, HEDDLE_ADMIN_PASSWORD, HEDDLE_ALLOW_HOSTS, HEDDLE_SECRET_KEY, "
        "HEDDLE_SECRET_<NAME>, HEDDLE_ALLOWED_HOSTS, HEDDLE_TRUSTED_PROXIES, HEDDLE_MIN_FREE_MB, "
        "HEDDLE_LOG_LEVEL.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="migrate, start, and print the address")
    commands.add_parser("serve", help="migrate and start, for a process manager")
    commands.add_parser("migrate", help="bring the database up to date")
    _add_user(commands.add_parser("user", help="accounts"))
    _add_workflow(commands.add_parser("workflow", help="workflow documents"))
    return parser


def _add_user(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a user")
    add.add_argument("username")
    add.add_argument("--role", choices=[role.value for role in Role], default=Role.EDITOR.value)
    actions.add_parser("list", help="list the users")
    password = actions.add_parser("password", help="set a new password; ends every session")
    password.add_argument("username")
    for action in (add, password):
        action.add_argument(
            "--password-stdin", action="store_true", help="read it from standard input"
        )
    disable = actions.add_parser("disable", help="lock a user out")
    disable.add_argument("username")
    disable.add_argument("--undo", action="store_true", help="let it in again")


def _add_workflow(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    importing = actions.add_parser("import", help="store a document as a new workflow")
    importing.add_argument("file", type=Path)
    export = actions.add_parser("export", help="write a workflow as a document")
    export.add_argument("workflow", help="id or slug")
    export.add_argument("--version", default="draft", help="a number, active or draft")
    export.add_argument("--format", choices=["json", "yaml", "python"], default="json")
    export.add_argument("-o", "--output", type=Path, help="a file; its suffix gives the format")
    run = actions.add_parser("run", help="execute a document without a server")
    run.add_argument("file", type=Path)
    run.add_argument(
        "--input", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )


if __name__ == "__main__":
    sys.exit(main())
