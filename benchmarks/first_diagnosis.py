"""From nothing to a diagnosis: wheel and sdist in empty environments outside the checkout, without torch, on the clock.

    python benchmarks/first_diagnosis.py DIST

DIST holds one wheel and one sdist. Each is installed as a user would, in a virtual environment of its own; then
`conformance check` is pointed at the network of docs/start.md, and at the same network mended. Fails where
an installation lacks something, or an answer is another one.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from time import perf_counter

START = Path(__file__).parents[1] / "docs" / "start.md"
MENDED = (("1 - np.tanh(self.hs[t]) ** 2", "1 - self.hs[t] ** 2"), ("self.Whh @ dz", "self.Whh.T @ dz"))
NOT_NEEDED = ("torch", "matplotlib", "pytest")


def timed(*command: object, cwd: Path, code: int = 0) -> tuple[str, float, float]:
    """Run a command; return what it printed, its seconds by the clock, and those of computing, children included.

    Fails where it leaves with another status than `code`.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(  # noqa: S603 - this project's own commands
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter() - started
    if done.returncode != code:
        sys.exit(f"{command} left with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
    return done.stdout, took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tried(package: Path, folder: Path) -> None:
    """Install `package` into an environment in `folder`, check both networks there, and print the figures."""
    venv.create(folder / "env", with_pip=True)
    python, conformance = (folder / "env" / "bin" / name for name in ("python", "conformance"))
    _, installing, _ = timed(python, "-m", "pip", "install", "--quiet", package, cwd=folder)
    print(f"{package.name}: installed in {installing:.1f} s, downloads included")
    there = f"from importlib.util import find_spec; print([n for n in {NOT_NEEDED!r} if find_spec(n)])"
    if (found := timed(python, "-c", there, cwd=folder)[0].strip()) != "[]":
        sys.exit(f"{found} came with it, which a check doesn't need.")
    text = re.search(r"^```python\n(.*?)^```", START.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    (folder / "my_rnn.py").write_text(text, encoding="utf-8")
    for wrong, right in MENDED:
        text = text.replace(wrong, right)
    (folder / "mended.py").write_text(text, encoding="utf-8")
    for name, verdict, code in (("my_rnn", "DIFFERS", 1), ("mended", "CONFORMS", 0)):
        said, took, computing = timed(conformance, "check", f"{name}.py:MyRNN", cwd=folder, code=code)
        if not said.startswith(verdict):
            sys.exit(f"{name}.py: expected {verdict}, got {said}")
        print(f"  {verdict:8} {name}.py: {took:.1f} s, {computing:.2f} s of computing")


def main(dist: str) -> None:
    """Try the wheel and the sdist of a folder."""
    (wheel,), (sdist,) = (sorted(Path(dist).absolute().glob(kind)) for kind in ("*.whl", "*.tar.gz"))
    for package in (wheel, sdist):
        with tempfile.TemporaryDirectory() as folder:
            tried(package, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
