"""The text of an adapter: a network's interface as a `handwritten` statement, which leaves nothing to find out."""

import ast
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from conformance.hand_written.calling.showing import names_of

if TYPE_CHECKING:
    from conformance.hand_written.calling.binding import Binding, Own

TEMPLATE = '''"""How conformance calls {target}; to be checked as `network` of this file.

`p` holds a problem's arrays, time first: x (T, B, I), W_ih (H, I), d_y (T, B, O) …; `code` are the definitions.
"""

from conformance import {imports}

network = handwritten(
    {name},  # {loading}
{arguments}
)
'''

LOADING = {
    False: "definitions only: nothing trains, prints or plots",
    True: "all of the script runs first, as it stands",
}


def with_adapter(binding: "Binding", own: "Own | None" = None) -> "Binding":
    """Return `binding` with the text of its adapter; `own` is how it is judged by itself, where it has to be."""
    source = adapter_text(binding, own)
    return replace(binding, interface=msgspec.structs.replace(binding.interface, source=source))


def adapter_text(binding: "Binding", own: "Own | None") -> str:
    """Return the source of the adapter of `binding`, told with `own`."""
    traits, loss, shown = binding.traits, binding.loss, binding.shown
    build, weights, between = _weights_apart(binding.build, binding.between)
    arguments = {
        "case": text_of(binding.problem_case.id),
        "build": block(build),
        "weights": table(weights) if weights else "",
        "forward": block(binding.forward),
        "backward": block(binding.backward),
        "shown": table({name: shown[name] for name in names_of(shown)}),
        "between": block(between),
        "loss": "" if loss is None else f"Loss({_loss(loss.kind, loss.outputs, last=loss.last)})",
        "rate": "" if binding.rate is None else f"{binding.rate:g}",
        "own_rate": f"{binding.own_rate!r}" if binding.own_rate else "",
        "unclipped": "True" if binding.lifted else "",
        "mistake": text_of(binding.mistake) if binding.mistake else "",
        "one_hot": "True" if traits.one_hot else "",
        "crossed": "True" if traits.crossed else "",
        "own": "" if own is None else _own(own),
    }
    arguments["tensors"] = "True" if binding.loaded.tensors else ""
    return statement(binding.loaded.target, arguments, execute=binding.loaded.execute)


def statement(target: str, arguments: Mapping[str, str], *, execute: bool) -> str:
    """Return the source of an adapter with these arguments of `handwritten`, each as Python."""
    given = {"execute": "True" if execute else "", **arguments}
    used = [name for name in ("Loss", "Own") if any(text.startswith(f"{name}(") for text in given.values())]
    return TEMPLATE.format(
        target=repr(target)[1:-1],  # in a docstring, where backslashes escape
        imports=", ".join([*used, "handwritten"]),
        name=text_of(target),
        loading=LOADING[execute],
        arguments="\n".join(f"    {name}={value}," for name, value in given.items() if value),
    )


def _weights_apart(
    build: tuple[str, ...], between: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]:
    """Return what remains of `build` and `between` if they end in, and are, the same weights; and those weights."""
    set_to = dict(line.split("[...] = ", 1) for line in between if "[...] = " in line)
    if not between or len(set_to) != len(between) or build[-len(between) :] != between:
        return build, {}, between
    return build[: -len(between)], set_to, ()


def text_of(text: str) -> str:
    """Return a string of Python, in double quotes where that needs no escapes."""
    return f'"{text}"' if text.isprintable() and not set(text) & set('"\\') else repr(text)


def block(lines: Sequence[str]) -> str:
    """Return lines of Python as one string of Python; nothing where there are none."""
    text = "\n".join(lines)
    if "\n" not in text or '"""' in text or "\\" in text:
        return text_of(text) if text else ""
    return f'"""\n{textwrap.indent(text, " " * 8)}\n    """'


def table(texts: Mapping[str, str]) -> str:
    """Return texts by their names as a dict of Python."""
    entries = "\n".join(f"        {text_of(name)}: {text_of(text)}," for name, text in texts.items())
    return f"{{\n{entries}\n    }}" if texts else "{}"


def _loss(kind: str, outputs: str, *, last: bool) -> str:
    seen = "" if outputs == "y" else f", outputs={text_of(outputs)}"
    return f"kind={text_of(kind)}{seen}" + (", last=True" if last else "")


def _own(own: "Own") -> str:
    parts = {
        "parameters": table(own.parameters),
        "outputs": text_of(own.outputs),
        "cotangent": text_of(own.cotangent),
        "gradients": table(own.gradients),
    }
    inner = "\n".join(f"    {name}={value}," for name, value in parts.items())
    return "Own(\n" + textwrap.indent(inner, "    ") + "\n    )"


def weights_of(source: str) -> list[str]:
    """Return the paths of the weights that the text of an adapter sets, in the order in which it does."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    tables = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "weights"]
    return [path for each in tables for path in ast.literal_eval(each)]
