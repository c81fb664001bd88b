"""What a query and a worker reach of the server: no file, no secret, no memory, no descriptor."""

import asyncio
import os
import resource
from pathlib import Path

import pytest

from graphs.errors import NodeError
from graphs.tables.work import Work, run_work
from tests.processes import process_tree, stat_of
from tests.security.arena import Arena
from tests.security.test_attacks_tables import query

QUERIES = {
    "a csv": "SELECT * FROM read_csv('/etc/passwd')",
    "a text": "SELECT * FROM read_text('/proc/self/environ')",
    "bytes": "SELECT * FROM read_blob('/proc/self/mem')",
    "a name as a table": "SELECT * FROM '/etc/passwd'",
    "names of files": "SELECT * FROM glob('/**')",
    "a table of the database": "SELECT * FROM sqlite_scan('heddle.db', 'account_user')",
    "the environment": "SELECT getenv('PYTHONPATH') AS e FROM t",
    "settings": "SELECT current_setting('temp_directory') AS s FROM duckdb_settings()",
    "secrets": "SELECT * FROM duckdb_secrets()",
    "a url": "SELECT * FROM read_csv('http://127.0.0.1:1/x')",
    "writing": "COPY (SELECT 1) TO '/tmp/x.csv'",
    "another database": "ATTACH 'heddle.db' AS h",
    "an extension": "INSTALL httpfs",
    "loading": "LOAD httpfs",
    "unlocking": "SET enable_external_access = true",
    "a pragma": "PRAGMA database_list",
    "two at once": "SELECT 1; COPY (SELECT 1) TO '/tmp/x.csv'",
    "a macro": "CREATE MACRO m() AS 1",
    "exporting": "EXPORT DATABASE '/tmp/x'",
}


def test_no_query_reaches_out(arena: Arena) -> None:
    begun = {name: arena.mallory.start(query(sql)) for name, sql in QUERIES.items()}
    for name, run_id in begun.items():
        run = arena.mallory.ended(run_id)
        assert run["status"] == "failed", name
        assert run["error"]["node_id"] == "n2", name
        assert str(arena.server.data_dir) not in run["error"]["message"], name
    arena.neighbour()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "COPY (SELECT 1) TO '{folder}/../x.csv'",
        "ATTACH '{folder}/../x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "SELECT * FROM read_csv('{folder}/../secret_key')",
    ],
)
async def test_the_database_itself_refuses(tmp_path: Path, sql: str) -> None:
    """What would be refused even if our own look at the query let it pass."""
    secret, written = tmp_path / "secret_key", tmp_path / "x.csv"
    await asyncio.to_thread(secret.write_text, "a,b")

    def job(work: Work) -> int:
        work.connect([]).execute(sql.format(folder=tmp_path / "job"))
        return 1

    with pytest.raises(NodeError) as caught:
        await run_work(tmp_path / "job", job)
    assert caught.value.code == "query_failed"
    assert not await asyncio.to_thread(written.exists)


async def test_a_worker_has_nothing_of_the_server(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)

        def job(_: Work) -> dict[str, list[str]]:
            opened = [
                os.readlink(f"/proc/self/fd/{n}")
                for n in map(str, range(3, 256))
                if os.path.islink(f"/proc/self/fd/{n}")
            ]
            limits = [
                resource.getrlimit(getattr(resource, name))
                for name in (
                    "RLIMIT_DATA",
                    "RLIMIT_AS",
                    "RLIMIT_NOFILE",
                    "RLIMIT_CPU",
                    "RLIMIT_FSIZE",
                )
            ]
            return {
                "environment": sorted(os.environ),
                "open": [path for path in opened if "socket" not in path],
                "unlimited": [str(soft) for soft, _ in limits if soft == resource.RLIM_INFINITY],
            }

        found = await run_work(tmp_path / "job", job)
    assert found == {
        "environment": ["LANG", "MALLOC_ARENA_MAX", "PYTHONPATH"],
        "open": [],
        "unlimited": [],
    }


async def test_nobody_looks_into_the_server(arena: Arena, tmp_path: Path) -> None:
    arena.neighbour()
    (theirs, *_) = [pid for pid in process_tree(arena.pid) if pid != arena.pid]
    watched = (arena.pid, theirs)

    def job(_: Work) -> list[str]:
        seen: list[str] = []
        for path in (f"/proc/{pid}/{name}" for pid in watched for name in PRIVATE):
            try:
                os.close(os.open(path, os.O_RDONLY))
                seen.append(path)
            except OSError:
                pass
        return seen

    assert stat_of(arena.pid)
    assert await run_work(tmp_path / "job", job) == []


PRIVATE = ("environ", "mem", "maps", "auxv", "cwd/.", "root/etc/passwd")
