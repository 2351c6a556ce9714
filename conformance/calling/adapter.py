"""The text of an adapter: a class that calls a network as it was found out, without any search."""

from collections.abc import Mapping, Sequence

from conformance.calling.showing import names_of

TEMPLATE = '''"""How conformance calls {target}."""

import numpy as np

from conformance.calling import {tools}

loaded = load({target!r})  # definitions only: nothing trains, prints or plots
code = loaded.code


class Adapter:
    """Runs {target} on a problem. `p` holds its arrays, time first: x (T, B, I), W_ih (H, I), d_y (T, B, O), …"""

    name = {name!r}
    description = {description!r}
    case = {case!r}

    def run(self, problem):
        """Return what the network shows of `problem`."""
        loaded.reset()
        p = Asked(problem)
{body}
        return observed(
            problem,
{shown}
        )
'''


def adapter_text(
    *,
    target: str,
    name: str,
    description: str,
    case: str,
    build: Sequence[str],
    calls: Sequence[str],
    shown: Mapping[str, str],
) -> str:
    """Return the source of an adapter."""
    lines = [*build]
    watches = any("seen[" in text for text in (*calls, *shown.values()))
    if watches:
        lines += [
            "with watched(loaded.files) as seen:  # local variables of its functions",
            *(f"    {c}" for c in calls),
        ]
    else:
        lines += calls
    tools = ["Asked", *(["lists"] if any("lists(" in line for line in lines) else []), "load", "observed"]
    tools += ["watched"] if watches else []
    body = "\n".join(" " * 8 + inner for line in lines for inner in line.split("\n"))
    values = "\n".join(f"            {key}={shown[key]}," for key in names_of(shown))
    return TEMPLATE.format(
        target=target,
        name=name,
        description=description,
        case=case,
        body=body,
        shown=values,
        tools=", ".join(tools),
    )


def skeleton(target: str) -> str:
    """Return the source of an adapter to be filled in, for a network that nobody found out how to call."""
    return adapter_text(
        target=target,
        name=target,
        description="hand-written, adapter to be filled in",
        case="rnn-tanh-T7-B3-I4-H6-O5-noh0-dout-f64-gain1.2-s0",
        build=(
            "model = code.YourNetwork(p.I, p.H, p.O)  # TODO: how it is built",
            "model.Wxh[...] = p.W_ih  # TODO: its own weights; p.W_ih is (H, I), p.W_hh (H, H), p.b (H,)",
            "model.Whh[...] = p.W_hh",
            "model.bh[...] = p.b[:, None]",
            "model.Why[...] = p.W_hy  # (O, H)",
            "model.by[...] = p.b_y[:, None]",
        ),
        calls=(
            "y = model.forward(p.x)  # TODO: x as it wants it; p.x is (T, B, I)",
            "grads = model.backward(p.d_y)  # TODO: dL/dy as it wants it; p.d_y is (T, B, O)",
        ),
        shown={
            "y": "y  # (T, B, O)",
            "W_ih": "grads['Wxh']",
            "W_hh": "grads['Whh']",
            "b": "grads['bh'][:, 0]",
            "W_hy": "grads['Why']",
            "b_y": "grads['by'][:, 0]",
        },
    )
