"""Whatever the encoding of the standard streams, and whatever names hold: characters are replaced, nothing fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import CASE

from conformance.cli.streams import escaped
from conformance.errors import well_formed
from conformance.record.check import CHECK_SCHEMA, CheckRecord, decode_check, encode_check
from conformance.record.text import json_of

STRANGE = "größe→\udce9.py:Name"

SCRIPT = f"""
import json, sys
from pathlib import Path
from conformance.hand_written.checking import process
from conformance.cli import main
from conformance.record.check import CheckRecord

record = CheckRecord(schema=1, target={STRANGE!r}, verdict="failed", headline="Größe → ∂L: \\udce9", reproduce="…")
process.Keeper.answer = lambda *_, **__: record
ended = []
for command in json.loads(Path(sys.argv[1]).read_text()):
    try:
        main(command)
    except SystemExit as end:
        ended.append([command, end.code or 0])
Path(sys.argv[2]).write_text(json.dumps(ended))
"""

FORMATS = ("terminal", "json", "markdown", "html", "github", "sarif", "suggestions")
COMMANDS = {
    **{("check", STRANGE, "--format", form): 5 for form in FORMATS},
    ("explain",): 0,
    ("explain", "carry-missing"): 0,
    ("explain", "größe→"): 2,
    ("list",): 0,
    ("list", "--suites"): 0,
    ("env",): 0,
    ("show", CASE, "--subject", "reference"): 0,
    ("diff", "größe→.json", "é.json"): 2,
    ("init", STRANGE, "--output", "/none/größe→.py"): 2,
}


@pytest.mark.parametrize(
    "settings", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252"}, {"LANG": "C"}]
)
def test_no_command_fails_for_what_it_has_to_print(settings, tmp_path):
    (tmp_path / "commands.json").write_text(json.dumps(list(COMMANDS)))
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "commands.json"), str(tmp_path / "ended.json")],
        capture_output=True,
        env={k: v for k, v in os.environ.items() if k[:3] != "LC_"}
        | {"OMP_WAIT_POLICY": "\udce9"}
        | settings,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    ended = json.loads((tmp_path / "ended.json").read_text())
    assert {tuple(command): code for command, code in ended} == COMMANDS
    assert b"Traceback" not in ran.stderr


def test_a_name_that_is_not_utf_8_is_written_out_in_a_record():
    record = CheckRecord(schema=CHECK_SCHEMA, target=STRANGE, verdict="failed", headline="", reproduce="")
    assert decode_check(encode_check(record)).target == "größe→\\udce9.py:Name"
    assert json.loads(json_of({"\udce9": ["\ud800"]})) == {"\\udce9": ["\\ud800"]}
    assert well_formed("größe→") == "größe→"


@pytest.mark.parametrize("form", FORMATS)
def test_a_document_is_the_same_in_every_encoding_where_its_format_has_escapes(form, monkeypatch):
    class Narrow:
        encoding = "latin-1"

    text = '{"größe": "→ 😀"}'
    monkeypatch.setattr(sys, "stdout", Narrow)
    found = escaped(text, form)
    assert found.isascii() == (form in ("json", "sarif", "suggestions", "html"))
    if form == "json":
        assert json.loads(found) == json.loads(text)
    monkeypatch.setattr(Narrow, "encoding", "UTF8")
    assert escaped(text, form) == text


def test_a_file_whose_name_is_not_utf_8_is_checked(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py"))
    try:
        path.write_text("print('größe')\n")
    except OSError:
        pytest.skip("names must be UTF-8 here")
    ran = subprocess.run(
        [sys.executable, "-m", "conformance", "check", str(path), "--format", "json"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert ran.returncode == 5, ran.stderr
    assert json.loads(ran.stdout)["target"].endswith("caf\\udce9.py")
