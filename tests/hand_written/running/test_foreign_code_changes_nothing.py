"""A target full of side effects changes nothing outside the check's own folder, and gets its answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.hand_written.calling.running.effects import EFFECTS, UNANNOUNCED
from conformance.hand_written.checking.process import checked_apart

NETWORK = """
class Net:
    def __init__(self, n_in, n_hidden):
        self.wx, self.wh = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.b = np.zeros(n_hidden)
        BUILDING

    def forward(self, xs, hooks=()):
        CALLING
        self.hs = [np.zeros(len(self.b))]
        for x in xs:
            self.hs.append(np.tanh(self.wx @ x + self.wh @ self.hs[-1] + self.b))
        return np.array(self.hs[1:])
"""

EVERYWHERE = """
import atexit, os, pathlib, pickle, shutil, signal, socket, subprocess, sys, threading, time
import numpy as np

HERE = pathlib.Path(__file__).parent / "precious"
for ignored in (signal.SIGTERM, signal.SIGALRM, signal.SIGPROF):
    before = signal.signal(ignored, signal.SIG_IGN)
for name in ("one.txt", "two.txt"):
    os.remove(HERE / name)
gone = shutil.rmtree(HERE)
emptied = open(HERE / "one.txt", "w")
status = os.system(f"touch {HERE}/more.txt")
connected = socket.create_connection(("127.0.0.1", 9), timeout=1)
at_the_end = atexit.register(shutil.rmtree, HERE)
for n in range(300):
    threading.Thread(target=time.sleep, args=(1e6,)).start()
left = sys.exit(3)

def helper(x, log=os.rename(HERE / "one.txt", HERE / "three.txt")):
    return x

class Counted:
    saved = np.save(HERE / "weights.npy", np.zeros(3))
""" + NETWORK.replace(
    "BUILDING",
    'threading.Thread(target=shutil.rmtree, args=(HERE,)).start(); self.kept = open("log.txt", "w")',
).replace(
    "CALLING",
    """try:
            with (HERE / "one.txt").open("wb") as file:
                pickle.dump(self, file)
        except OSError:
            pass
        pathlib.Path("in its own folder.txt").write_text("free")""",
)


def state(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def lines_of(source: str, *texts: str) -> list[int]:
    return [1 + source[: source.index(text)].count("\n") for text in texts]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a folder with precious files; where temporary ones lie is another, and stays empty."""
    (tmp_path / "code" / "precious").mkdir(parents=True)
    for name in ("one", "two"):
        (tmp_path / "code" / "precious" / f"{name}.txt").write_text(name)
    (tmp_path / "temporary").mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path / "temporary"))
    yield tmp_path / "code"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_is_refused_is_told_by_its_line_and_the_rest_goes_on(place):
    target = place / "everywhere.py"
    target.write_text(EVERYWHERE)
    before = state(place)
    record = checked_apart(f"{target}:Net", "")
    assert state(place) == before
    assert record.verdict == "forward-conforms", record.headline
    notes = "\n".join(record.notes)
    removed, wiped, system, connected, renamed, saved, dumped = lines_of(
        EVERYWHERE,
        "os.remove",
        "gone =",
        "status =",
        "connected =",
        "def helper",
        "saved =",
        'one.txt").open("wb"',
    )
    for line, what in (
        (removed, "delete files"),
        (wiped, "delete folders"),
        (system, "start a program"),
        (connected, "use the network"),
        (renamed, "rename files"),
        (saved, "write files"),
        (dumped, "write files"),
    ):
        assert f"{target}: line {line} would {what}; it was not run: " in notes
    assert "A thread would delete folders; it was not run: " in notes


def test_a_refusal_in_a_call_is_the_reason(place):
    target = place / "deletes.py"
    calling = NETWORK.replace("BUILDING", "pass").replace(
        "CALLING", 'os.remove(os.path.dirname(__file__) + "/x.txt")'
    )
    target.write_text("import os\nimport numpy as np\n" + calling)
    (place / "x.txt").write_text("precious")
    record = checked_apart(f"{target}:Net", "")
    assert record.exit_code == 5
    assert (place / "x.txt").read_text() == "precious"
    told = record.headline + " ".join(record.interface.lines)
    assert "Refused: it would delete files, which a check lets no code do" in told
    assert "deletes.py:" in told


EACH = """
import contextlib, json, os, pathlib, pickle, shutil, socket, sqlite3, subprocess, sys, tempfile
import multiprocessing.shared_memory
import numpy as np
from conformance.hand_written.calling.running.guard import guarded, Refused

outside, inside = map(pathlib.Path.absolute, map(pathlib.Path, sys.argv[1:]))
pathlib.Path(outside, "a.txt").write_text("precious")
os.symlink(outside, inside / "way out")
handle = os.open(outside, os.O_RDONLY)
here = {
    "open": lambda f: open(f / "a.txt", "w").close(),
    "append": lambda f: open(f / "a.txt", "a").close(),
    "both": lambda f: open(f / "a.txt", "r+").close(),
    "bytes": lambda f: open(os.fsencode(f / "a.txt"), "wb").close(),
    "os.open": lambda f: os.close(os.open(f / "a.txt", os.O_RDWR)),
    "Path.write_text": lambda f: (f / "b.txt").write_text("b"),
    "np.save": lambda f: np.save(f / "b.npy", np.zeros(2)),
    "np.savez": lambda f: np.savez(f / "b.npz", np.zeros(2)),
    "tofile": lambda f: np.zeros(2).tofile(f / "b.bin"),
    "memmap": lambda f: np.memmap(f / "b.map", mode="w+", shape=3),
    "sqlite": lambda f: sqlite3.connect(f / "b.db").close(),
    "truncate": lambda f: os.truncate(f / "a.txt", 0),
    "chmod": lambda f: os.chmod(f / "a.txt", 0o600),
    "utime": lambda f: os.utime(f / "a.txt"),
    "mkdir": lambda f: os.mkdir(f / "folder"),
    "makedirs": lambda f: os.makedirs(f / "deep" / "folder"),
    "rmdir": lambda f: os.rmdir(f / "folder"),
    "rmtree": lambda f: shutil.rmtree(f / "deep"),
    "rename": lambda f: os.rename(f / "a.txt", f / "c.txt"),
    "move": lambda f: shutil.move(f / "c.txt", f / "a.txt"),
    "copy": lambda f: shutil.copy(f / "a.txt", f / "d.txt"),
    "symlink": lambda f: os.symlink("a.txt", f / "link"),
    "link": lambda f: os.link(f / "a.txt", f / "hard"),
    "mkfifo": lambda f: os.mkfifo(f / "pipe"),
    "unlink": lambda f: (f / "a.txt").unlink(),
}
never = {
    "through a link": lambda: open(inside / "way out" / "a.txt", "w"),
    "by a folder's handle": lambda: os.remove("a.txt", dir_fd=handle),
    "moved in": lambda: os.rename(outside / "a.txt", inside / "moved"),
    "moved out": lambda: os.rename(inside / "b.txt", outside / "moved"),
    "linked in": lambda: os.link(outside / "a.txt", inside / "linked"),
    "system": lambda: os.system("true"),
    "subprocess": lambda: subprocess.run(["true"]),
    "fork": os.fork,
    "posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "multiprocessing": lambda: multiprocessing.get_context("fork").Process(target=print).start(),
    "spawn": lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    "shared memory": lambda: multiprocessing.shared_memory.SharedMemory(create=True, size=10),
    "kill": lambda: os.kill(os.getppid(), 0),
    "killpg": lambda: os.killpg(os.getppid(), 0),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9)),
    "connect to a number": lambda: socket.socket().connect(("127.0.0.1", 9)),
    "bind": lambda: socket.socket().bind(("127.0.0.1", 0)),
    "look up": lambda: socket.getaddrinfo("localhost", 80),
    "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9)),
}
harmless = {
    "read": lambda: (outside / "a.txt").read_text(),
    "null": lambda: open(os.devnull, "w").write("gone"),
    "there already": lambda: os.makedirs(outside, exist_ok=True),
    "not there": lambda: (outside / "none").unlink(missing_ok=True),
    "own signal": lambda: os.kill(os.getpid(), 0),
    "temporary": lambda: tempfile.TemporaryFile().write(b"free"),
    "memory": lambda: sqlite3.connect(":memory:"),
}

def outcome(function, *arguments):
    try:
        function(*arguments)
    except Refused:
        return "refused"
    except BaseException as error:
        return repr(error)
    return "done"

tempfile.tempdir = str(inside)
with guarded(inside) as guard:
    found = {
        "outside": {name: outcome(function, outside) for name, function in here.items()},
        "inside": {name: outcome(function, inside) for name, function in here.items()},
        "never": {name: outcome(function) for name, function in never.items()},
        "harmless": {name: outcome(function) for name, function in harmless.items()},
    }
    told = len(guard.sentences())
(outside / "afterwards.txt").write_text("free again")
os.waitstatus_to_exitcode(os.system("true"))
print(json.dumps([found, told]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="some of these are Linux's")
def test_each_way_of_changing_something_is_refused_outside_the_folder_alone(tmp_path):
    for name in ("outside", "inside"):
        (tmp_path / name).mkdir()
    (tmp_path / "each.py").write_text(EACH)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "each.py", "outside", "inside"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found, told = json.loads(ran.stdout.splitlines()[-1])
    missing = {"rmdir", "rmtree", "move"}  # what they would change was never made, and Python says so
    assert {name for name, outcome in found["outside"].items() if outcome != "refused"} == missing
    assert set(found["inside"].values()) == {"done"}, found["inside"]
    assert set(found["never"].values()) == {"refused"}, found["never"]
    assert set(found["harmless"].values()) == {"done"}, found["harmless"]
    assert told == 21
    assert state(tmp_path / "outside") == {
        str(tmp_path / "outside" / "a.txt"): "precious",
        str(tmp_path / "outside" / "afterwards.txt"): "free again",
    }


LIVE = """
import json, os
import numpy as np
import conformance
from conformance.hand_written.calling.running import guard

class Adapter:
    def run(self, problem):
        with open("note.txt", "w") as file:
            file.write("mine")
        os.system("true")
        return conformance.Observation()

record = conformance.check(Adapter).record
print(json.dumps([record.verdict, record.notes, guard._installed]))
"""


def test_a_users_own_process_has_no_guard(tmp_path):
    (tmp_path / "live.py").write_text(LIVE)
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "live.py")], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == ["undecided", [], False]


def test_events_are_those_of_python_or_announced():
    assert set(UNANNOUNCED) <= set(EFFECTS)
    assert "import" not in EFFECTS  # so frequent that looking at each would be felt


def test_a_missing_name_is_wrong_usage_and_a_broken_definition_is_not(tmp_path):
    target = tmp_path / "nets.py"
    target.write_text("class Network:\n    pass\n\n\nclass Broken:\n    size = undefined\n")
    with pytest.raises(
        UsageError, match=r"no 'Netwrok' in .*nets\.py, the nearest name is Network; it defines Network"
    ):
        checked_apart(f"{target}:Netwrok", "")
    with pytest.raises(UsageError, match="neither a file nor a module"):
        checked_apart("no_such_module_anywhere:Net", "")
    record = checked_apart(f"{target}:Broken", "")
    assert record.verdict == "failed"
    assert "NameError: name 'undefined' is not defined" in record.headline
