"""Case ids put together from parts of right ones and from anything else: refused, or the id of a case."""

from conformance import UsageError, parse_id
from fuzz.choices import Choices, Outcome, refused

PARTS = (
    *(
        "rnn",
        "tanh",
        "relu",
        "L2",
        "L0",
        "L01",
        "bi",
        "nobias",
        "drop0.5",
        "drop1",
        "drop0.3",
        "eval",
        "T4",
        "T",
    ),
    *(
        "T999999999",
        "T9999999999",
        "len4.2",
        "len4.2.3",
        "len",
        "len4.",
        "B3",
        "B-1",
        "B1",
        "single",
        "bf",
        "I5",
    ),
    *("H6", "O2", "O0", "noh0", "dout", "dhn", "dlast", "dexpanded", "dstrided", "f32", "f64", "f16", "bf16"),
    *(
        "gain1.2",
        "gain01.2",
        "gain1e5",
        "gain..",
        "gain0",
        "nan",
        "inf",
        "tutorial",
        "kinks",
        "s0",
        "s00",
        "s-1",
    ),
    *(
        "s999999999999999999",
        "s9999999999999999999",
        "",
        " ",
        "٣",
        "T٣",
        "\x00",
        "\ud800",
        "../..",
        "%s",
        "{0}",
    ),
)
RIGHT = ("rnn", "tanh", "T4", "B3", "I5", "H6", "f64", "s0")


def parsed_id(data: bytes) -> Outcome:
    """Parse an id that `data` makes."""
    text = made(Choices(data))
    try:
        case = parse_id(text)
    except UsageError as refusal:
        return refused(refusal)
    assert case.id == text, f"{text!r} was taken for {case.id!r}"
    assert parse_id(case.id) == case
    return Outcome.RIGHT


def made(choices: Choices) -> str:
    if choices.now_and_then(4):
        return choices.rest().decode("utf-8", "surrogateescape")
    parts = list(RIGHT)
    for _ in range(choices.below(6)):
        place, what = choices.below(len(parts) + 1), choices.below(4)
        if what == 0:
            parts.insert(place, choices.one_of(PARTS))
        elif what == 1:
            parts[place : place + 1] = [choices.one_of(PARTS)]
        elif what == 2:
            del parts[place : place + 1]
        else:
            parts.insert(place, choices.text(6))
    return choices.one_of(("-", "-", "-", "-", "--", "_")).join(parts)
