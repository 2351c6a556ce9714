"""What the parameters of constructors and of functions that make weights may be given: sizes, settings, weights."""

import inspect
import re
from collections.abc import Callable, Sequence

from conformance.hand_written.calling.building.keys import records_for
from conformance.hand_written.calling.building.records import configurations
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Option, Parameter
from conformance.hand_written.calling.hints.inputs import STYLES, weight
from conformance.hand_written.calling.loading.load import Loaded, own_names

COUNT = re.compile(r"(n|nb|num|dim|size)_", re.IGNORECASE)
"""How the names of sizes begin."""

CONFIGURATION = re.compile(r"cfg|conf\w*|h?params|hyper\w*|opts?|options|settings|args|spec|flags|hp")
"""Names of constructor arguments that hold several settings."""


def is_class(loaded: Loaded, name: str) -> bool:
    """Tell whether a name of the target is a class."""
    return inspect.isclass(getattr(loaded.code, name, None))


def options_among(parameters: Sequence[Parameter], loaded: Loaded) -> Callable[[Parameter], list[Option]]:
    """Return what each of a constructor's parameters may be given, by what the others say that they are.

    A vocabulary beside the size of what stands for its words is that of a table, which is filled with our inputs.
    """
    hints = [names.size_hint(q.name) for q in parameters]
    sure = sum(hint in ("I", "H", "O", "V") for hint in hints) > 1
    table = {"V", "I"} <= set(hints)
    return lambda q: options_of(q, loaded, sure=sure, table=table)


def options_of(
    parameter: Parameter, loaded: Loaded, *, sure: bool = False, table: bool = False
) -> list[Option]:
    """Return what a parameter of a constructor may be given.

    `sure` is whether others say that they are the sizes, `table` whether a vocabulary is that of a table.
    """
    name = parameter.name.strip("_")
    if parameter.rate:
        return [("1.0", 0.0, "rate")]
    if names.TRUNCATION.fullmatch(name) and not isinstance(parameter.default, bool):
        return [("10**6", 0.0, "truncation")]
    hint = names.size_hint(name)
    if hint is None and not parameter.required:
        return [("", 0.0, "left out")]
    if not parameter.required and not (type(parameter.default) is int or parameter.default is None):
        return [("", 0.0, "left out")]
    by_value = {"T": "p.T", "B": "p.B", "V": "p.I", "I": "p.I", "H": "p.H", "O": "p.O"}
    options: list[Option] = []
    if hint is not None:
        unsure = hint in "TB" and len(name) == 1
        unlikely = 1.0 if sure else 2.5
        options.append((by_value[hint], unlikely if unsure else 0.5 if table and hint == "V" else 0.0, hint))
    if table and hint == "V":
        options.append(("p.V", 0.0, "V"))
    options += [(by_value[size], 2.0 + 0.1 * n, size) for n, size in enumerate("IHOTB") if size != hint]
    if parameter.required:
        role = names.weight_hint(name)
        if hint is None and role is not None and not COUNT.match(name):
            options += [(weight(role, style), 1.0 + 0.1 * n, "weight") for n, style in enumerate(STYLES)]
        if hint is None and (records := records_for(loaded, parameter.name)):
            return [(text, 0.4 + 0.1 * n, "weights") for n, text in enumerate(records)]
        options += _others(parameter, loaded)
    return options


ACTIVATIONS = re.compile(r"tanh|sigmoid|logistic|relu|identity|linear", re.IGNORECASE)
"""Parts of the names of classes that are activation functions."""


def _others(parameter: Parameter, loaded: Loaded) -> list[Option]:
    """Return what a required parameter may be given that is no size."""
    name = parameter.name.lower()
    found: list[Option] = [
        ("0.1", 2.6, "number"),
        ("None", 3.0, "nothing"),
        ("0", 3.2, "zero"),
        ("True", 3.4, "flag"),
    ]
    if "activ" in name or "nonlin" in name or "func" in name:
        later = 1.0 if parameter.methods else 0.0
        found += [("'tanh'", later, "word"), ("np.tanh", later + 0.2, "function")]
        found += [
            (f"code.{n}()", 0.1 if "tanh" in n.lower() else 0.4, "object")
            for n in own_names(loaded)
            if ACTIVATIONS.search(n) and is_class(loaded, n)
        ]
        found += [
            (f"code.{n}", 0.15, "function")
            for n in own_names(loaded)
            if n.lower() == "tanh" and not is_class(loaded, n)
        ]
    if "vocab" in name or "char" in name or "word" in name:
        found += [("[chr(97 + n) for n in range(p.I)]", 0.5, "vocabulary")]
        found += [("{chr(97 + n): n for n in range(p.I)}", 0.7, "vocabulary")]
    if "layer" in name and not name.endswith("s_size"):
        found += [("1", 0.3, "layers")]
    if "seed" in name or "rng" in name or "random" in name:
        found += [
            ("0", 0.0, "seed"),
            ("np.random.RandomState(0)", 0.2, "generator"),
            ("np.random.default_rng(0)", 0.3, "generator"),
        ]
    if CONFIGURATION.fullmatch(name):
        found += [(text, 0.0, "settings") for text in (*configurations(loaded), "p.settings")]
    if "dtype" in name:
        found += [("np.float64", 0.0, "dtype")]
    if "size" in name or "dims" in name or "layers" in name or "shape" in name:
        found += [("[p.I, p.H, p.O]", 0.6, "sizes"), ("(p.I, p.H, p.O)", 0.8, "sizes")]
        found += [
            ("[p.I, p.H, p.H]", 0.7, "sizes"),
            ("[p.I, p.H]", 0.9, "sizes"),
        ]  # of the layers below a head
    return found
