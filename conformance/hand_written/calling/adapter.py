"""The text of an adapter: a network's interface as a `handwritten` statement, which leaves nothing to find out."""

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
        "case": _text(binding.problem_case.id),
        "build": _lines(build),
        "weights": _table(weights) if weights else "",
        "forward": _lines(binding.forward),
        "backward": _lines(binding.backward),
        "shown": _table({name: shown[name] for name in names_of(shown)}),
        "between": _lines(between),
        "loss": "" if loss is None else f"Loss({_loss(loss.kind, loss.outputs, last=loss.last)})",
        "rate": "" if binding.rate is None else f"{binding.rate:g}",
        "own_rate": f"{binding.own_rate!r}" if binding.own_rate else "",
        "unclipped": "True" if binding.lifted else "",
        "mistake": _text(binding.mistake) if binding.mistake else "",
        "one_hot": "True" if traits.one_hot else "",
        "crossed": "True" if traits.crossed else "",
        "own": "" if own is None else _own(own),
    }
    arguments["tensors"] = "True" if binding.loaded.tensors else ""
    return _statement(binding.loaded.target, arguments, execute=binding.loaded.execute)


def skeleton(target: str, *, execute: bool = False) -> str:
    """Return the source of an adapter to be filled in, for a network that nobody found out how to call."""
    arguments = {
        "case": _text("rnn-tanh-T7-B3-I4-H6-O5-noh0-dout-f64-gain1.2-s0"),
        "build": _lines(
            (
                "model = code.YourNetwork(p.I, p.H, p.O)  # TODO: how it is built",
                "model.Wxh[...] = p.W_ih  # TODO: its own weights; p.W_ih is (H, I), p.W_hh (H, H), p.b (H,)",
                "model.Whh[...] = p.W_hh",
                "model.bh[...] = p.b[:, None]",
                "model.Why[...] = p.W_hy  # (O, H)",
                "model.by[...] = p.b_y[:, None]",
            )
        ),
        "forward": _lines(
            ("y = model.forward(p.x)", "# TODO: x as it wants it; p.x is (T, B, I), and y (T, B, O)")
        ),
        "backward": _lines(
            ("grads = model.backward(p.d_y)", "# TODO: dL/dy as it wants it; p.d_y is (T, B, O)")
        ),
        "shown": _table(
            {
                "y": "y",
                "W_ih": "grads['Wxh']",
                "W_hh": "grads['Whh']",
                "b": "grads['bh'][:, 0]",
                "W_hy": "grads['Why']",
                "b_y": "grads['by'][:, 0]",
            }
        ),
    }
    return _statement(target, arguments, execute=execute)


def _statement(target: str, arguments: Mapping[str, str], *, execute: bool) -> str:
    given = {"execute": "True" if execute else "", **arguments}
    used = [name for name in ("Loss", "Own") if any(text.startswith(f"{name}(") for text in given.values())]
    return TEMPLATE.format(
        target=repr(target)[1:-1],  # in a docstring, where backslashes escape
        imports=", ".join([*used, "handwritten"]),
        name=_text(target),
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


def _text(text: str) -> str:
    """Return a string of Python, in double quotes where that needs no escapes."""
    return f'"{text}"' if text.isprintable() and not set(text) & set('"\\') else repr(text)


def _lines(lines: Sequence[str]) -> str:
    """Return lines of Python as one string of Python; nothing where there are none."""
    text = "\n".join(lines)
    if "\n" not in text or '"""' in text or "\\" in text:
        return _text(text) if text else ""
    return f'"""\n{textwrap.indent(text, " " * 8)}\n    """'


def _table(texts: Mapping[str, str]) -> str:
    entries = "\n".join(f"        {_text(name)}: {_text(text)}," for name, text in texts.items())
    return f"{{\n{entries}\n    }}" if texts else "{}"


def _loss(kind: str, outputs: str, *, last: bool) -> str:
    seen = "" if outputs == "y" else f", outputs={_text(outputs)}"
    return f"kind={_text(kind)}{seen}" + (", last=True" if last else "")


def _own(own: "Own") -> str:
    parts = {
        "parameters": _table(own.parameters),
        "outputs": _text(own.outputs),
        "cotangent": _text(own.cotangent),
        "gradients": _table(own.gradients),
    }
    inner = "\n".join(f"    {name}={value}," for name, value in parts.items())
    return "Own(\n" + textwrap.indent(inner, "    ") + "\n    )"
