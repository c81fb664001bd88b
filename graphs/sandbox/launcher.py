"""Runs inside its own process: shuts itself in, then executes an analyst's code and answers.

Read from standard input: {"code", "prev", "inputs", "memory_bytes", "cpu_s", "file_bytes"}. Written
to the file descriptor that is the first argument: {"value"}, {"error", "code"} or {"closed"} when
the process could not be shut in. Needs nothing but the standard library and Linux.
"""

import ctypes
import io
import json
import math
import os
import resource
import sys
import traceback
from typing import Any, cast

SOURCE = "<code>"
ROOT_BYTES = 64 * 1024 * 1024
WORK = "/work"
_MOST_BITS = 14_000
"""Of a whole number; Python writes no more than 4,300 digits."""

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
_PDEATHSIG, _NO_NEW_PRIVS, _SET_SECCOMP = 1, 38, 22

_EPERM, _ENOSYS = 1, 38
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_CLONE_THREAD = 0x00010000

_REFUSED = {
    "x86_64": (
        0xC000003E,
        56,
        "57 58 59 322 101 165 166 155 161 272 308 112 109 157 321 250 248 249 298 323 425 426 427 "
        "246 320 310 311 304 175 313 176 41 53 428 429 430 431 432 433 442 62 200 234 424 129 297",
    ),
    "aarch64": (
        0xC00000B7,
        220,
        "221 281 117 40 39 41 51 97 268 157 154 167 280 219 217 218 241 282 425 426 427 104 294 "
        "270 271 265 105 273 106 198 199 428 429 430 431 432 433 442 129 130 131 424 138 240",
    ),
}
"""System calls by machine: the filter's architecture, `clone`, and what is refused: starting
programs and processes, sockets, signals, mounts, namespaces, tracing, and the kernel's inside."""

_CLONE3 = 435


class Open(Exception):
    """The process cannot be shut in; the message says what is missing."""


def main() -> None:
    """Shut in, run, answer."""
    answer_to = int(sys.argv[1])
    _close_all_but(answer_to)
    task = json.loads(sys.stdin.buffer.read())
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        _leave_the_system(libc)
        child = os.fork()
        if child:
            # the one that waits holds nothing that the code could reach
            _, status = os.waitpid(child, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        _check(libc.prctl(_PDEATHSIG, 9, 0, 0, 0), "prctl")
        _limit(task)
        _drop_rights(libc)
        _refuse_calls(libc)
    except (Open, OSError) as error:
        _answer(answer_to, {"closed": str(error)})
        os._exit(1)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(errors="backslashreplace")
    _answer(answer_to, _execute(task))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _close_all_but(answer_to: int) -> None:
    """Whoever starts processes may leave descriptors open in them; each would be a way out."""
    most = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, answer_to)
    os.closerange(answer_to + 1, most if most > answer_to else 2**20)


def _leave_the_system(libc: Any) -> None:
    """New namespaces: no network, no other processes, no files but Python's own, read-only."""
    user, group = os.getuid(), os.getgid()
    flags = _NEWUSER | _NEWNS | _NEWNET | _NEWPID | _NEWIPC | _NEWUTS
    _check(libc.unshare(flags), "this system does not allow new user namespaces")
    with open("/proc/self/setgroups", "w") as file:
        file.write("deny")
    with open("/proc/self/uid_map", "w") as file:
        file.write(f"65534 {user} 1")
    with open("/proc/self/gid_map", "w") as file:
        file.write(f"65534 {group} 1")
    _mount(libc, "none", "/", None, _REC | _PRIVATE)
    root = os.getcwd()
    _mount(libc, "tmpfs", root, "tmpfs", _NOSUID | _NODEV, f"size={ROOT_BYTES},nr_inodes=4096")
    for path in _needed():
        _show(libc, root, path)
    os.mkdir(root + WORK, 0o700)
    os.chroot(root)
    os.chdir(WORK)


def _needed() -> list[str]:
    """The folders of Python's standard library and of the libraries it is linked with."""
    wanted = [os.path.dirname(os.path.realpath(os.__file__))]
    wanted += [path for path in sys.path if path.endswith("lib-dynload")]
    wanted += ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"]
    base = os.path.realpath(os.path.join(sys.base_prefix, "lib"))
    wanted.append(base)
    return [path for path in dict.fromkeys(wanted) if os.path.isdir(path)]


def _show(libc: Any, root: str, path: str) -> None:
    target = root + path
    if os.path.lexists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    os.mkdir(target)
    _mount(libc, path, target, None, _BIND)
    kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC | 1024 | 2048 | 4096)
    keeps = kept & 0xF
    if kept & 1024:
        keeps |= 1024
    if kept & 2048:
        keeps |= 2048
    if kept & 4096:
        keeps |= 1 << 21
    flags = _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV | keeps
    _mount(libc, None, target, None, flags)


def _mount(
    libc: Any, source: str | None, target: str, kind: str | None, flags: int, data: str = ""
) -> None:
    result = libc.mount(
        None if source is None else source.encode(),
        target.encode(),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        data.encode() or None,
    )
    _check(result, f"{target} cannot be mounted")


def _limit(task: dict[str, Any]) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    limits = {
        resource.RLIMIT_AS: task["memory_bytes"] + max(used, 64 * 1024 * 1024),
        resource.RLIMIT_CPU: task["cpu_s"],
        resource.RLIMIT_FSIZE: task["file_bytes"],
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_NPROC: 256,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for limit, value in limits.items():
        _, most = resource.getrlimit(limit)
        least = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (least, least))


def _drop_rights(libc: Any) -> None:
    _check(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def _refuse_calls(libc: Any) -> None:
    """A seccomp filter: no further processes or programs, no sockets, nothing for the kernel."""
    machine = os.uname().machine
    if machine not in _REFUSED:
        raise Open(f"there is no filter of system calls for {machine}")
    arch, clone, refused = _REFUSED[machine]
    rules = [
        (0x20, 0, 0, 4),
        (0x15, 1, 0, arch),
        (0x06, 0, 0, _KILL),
        (0x20, 0, 0, 0),
        (0x35, 0, 1, 0x40000000),
        (0x06, 0, 0, _ERRNO | _EPERM),
        (0x15, 0, 1, _CLONE3),
        (0x06, 0, 0, _ERRNO | _ENOSYS),
        (0x15, 0, 4, clone),
        (0x20, 0, 0, 16),
        (0x45, 1, 0, _CLONE_THREAD),
        (0x06, 0, 0, _ERRNO | _EPERM),
        (0x06, 0, 0, _ALLOW),
    ]
    for number in map(int, refused.split()):
        rules += [(0x15, 0, 1, number), (0x06, 0, 0, _ERRNO | _EPERM)]
    rules.append((0x06, 0, 0, _ALLOW))

    class Rule(ctypes.Structure):
        _fields_ = (
            ("code", ctypes.c_uint16),
            ("yes", ctypes.c_uint8),
            ("no", ctypes.c_uint8),
            ("k", ctypes.c_uint32),
        )

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_uint16), ("rules", ctypes.POINTER(Rule)))

    filled = (Rule * len(rules))(*(Rule(*rule) for rule in rules))
    program = Program(len(rules), filled)
    _check(libc.prctl(_SET_SECCOMP, 2, ctypes.byref(program), 0, 0), "seccomp")


def _check(result: int, what: str) -> None:
    if result != 0:
        raise Open(f"{what}: {os.strerror(ctypes.get_errno())}")


def _execute(task: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {
        "__name__": "heddle_node",
        "prev": task["prev"],
        "inputs": task["inputs"],
    }
    try:
        exec(compile(task["code"], SOURCE, "exec"), names)
        ends = names.get("main")
        value = ends(task["prev"], task["inputs"]) if callable(ends) else names.get("result")
        if not callable(ends) and "result" not in names:
            message = "the code sets no `result` and defines no `main(prev, inputs)`"
            return _failed(message, code="python_no_result")
    except MemoryError:
        return _failed(f"{_line()}the memory limit is reached", code="python_memory")
    except SyntaxError as error:
        return _failed(f"line {error.lineno}: {error.msg}", code="python_syntax")
    except BaseException as error:  # noqa: BLE001 whatever it is, the analyst is told
        return _failed(f"{_line()}{type(error).__name__}: {error}", code="python_failed")
    try:
        return {"value": _plain(value, "result")}
    except ValueError as error:
        return _failed(f"the result cannot be written as JSON: {error}", code="python_result")
    except (RecursionError, MemoryError):
        message = "the result cannot be written as JSON: it is nested too deeply or too large"
        return _failed(message, code="python_result")


def _plain(value: Any, where: str) -> Any:
    """The value in JSON's types, without loss. Raises ValueError, which names the place."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _sound(str.__str__(value), where)
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise ValueError(f"{where} has more than 4,200 digits; give it in hexadecimal, hex(…)")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, which is no number there; use None")
        return float(value)
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        for key, part in cast("dict[Any, Any]", value).items():
            name = _key(key, where)
            if name in made:
                raise ValueError(f"{where} has two fields called {name!r}")
            made[name] = _plain(part, f"{where}[{key!r}]")
        return made
    if isinstance(value, (list, tuple)):
        return [_plain(part, f"{where}[{at}]") for at, part in enumerate(cast("list[Any]", value))]
    if isinstance(value, (set, frozenset)):
        items = cast("set[Any]", value)
        parts: list[Any] = [_plain(part, f"an item of {where}") for part in items]
        return sorted(parts, key=_place)
    return _text(value, where)


def _place(part: Any) -> tuple[str, Any]:
    """Where a plain value stands among those of a set, which has no order of its own."""
    return type(part).__name__, part if isinstance(part, (str, int, float)) else 0


def _decimal(value: Any, where: str) -> Any:
    """A number when it is one exactly; other decimals keep their digits as a text."""
    if not value.is_finite():
        raise ValueError(f"{where} is {value}, which is no number there; use None")
    if value == value.to_integral_value() and value.adjusted() < 300:
        return int(value)
    near = float(value)
    return near if type(value)(repr(near)) == value else str(value)


def _text(value: Any, where: str) -> Any:
    """What tables write too: ISO 8601 for dates and times, the text of an id."""
    # only what the code itself uses needs these, and they take longer than most code
    import dataclasses
    import datetime
    import decimal
    import enum
    import pathlib
    import uuid

    if isinstance(value, decimal.Decimal):
        return _decimal(value, where)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return _sound(str(value), where)
    if isinstance(value, enum.Enum):
        return _plain(value.value, where)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _plain(fields, where)
    hint = _HINTS.get(type(value).__name__, "make a text, a number, a list or a dict of it")
    raise ValueError(f"{where} is of the type {type(value).__name__}; {hint}")


_HINTS = {
    "bytes": "use base64.b64encode(…).decode(), or .decode() for a text",
    "bytearray": "use base64.b64encode(…).decode(), or .decode() for a text",
    "generator": "use list(…)",
    "map": "use list(…)",
    "filter": "use list(…)",
    "zip": "use list(…)",
    "dict_keys": "use list(…)",
    "dict_values": "use list(…)",
    "complex": "return its .real and .imag",
}


def _key(key: Any, where: str) -> str:
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    plain = _plain(key, f"a key of {where}")
    if not isinstance(plain, str):
        raise ValueError(f"{where} has a key of the type {type(key).__name__}; use texts as keys")
    return plain


def _sound(text: str, where: str) -> str:
    """The text. Raises ValueError for half a character, which no encoding can write."""
    if text.isascii():
        return text
    for at, letter in enumerate(text):
        if "\ud800" <= letter <= "\udfff":
            raise ValueError(
                f"{where} has half a character ({letter!r}) at position {at}: was an emoji cut?"
            )
    return text


def _failed(error: str, *, code: str) -> dict[str, Any]:
    return {"error": error.encode(errors="backslashreplace").decode(), "code": code}


def _line() -> str:
    """Where in the analyst's code the exception at hand was raised."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    lines = [frame.lineno for frame in frames if frame.filename == SOURCE]
    return f"line {lines[-1]}: " if lines else ""


def _answer(answer_to: int, answer: dict[str, Any]) -> None:
    with open(answer_to, "w", encoding="utf-8", closefd=False) as file:
        json.dump(answer, file)


main()
