"""What names hint at. Names only order the hypotheses; values decide."""

import re
from functools import cache

SIZES = {
    "T": r"t t_?x timesteps? time_steps? n_?steps? num_steps seq(uence)?_?(len(gth)?|size) steps n_?t length "
    r"max_?len(gth)? unroll\w*",
    "B": r"b m bs batch n batch_?size n_?samples num_samples n_?examples mini_?batch\w*",
    "V": r"v vocab vocab_?(size|len) n_?vocab num_?vocab word_dim n_?(chars|tokens|sym(bol)?s?|letters|words) "
    r"num_?(chars|tokens|symbols|words) alphabet\w* data_?dim",
    "H": r"context_?(dim|size|units) h hidden n_?h n_?hid(den)?\w* hidden_?\w* num_?hidden\w* h_?dim h_?size dim_?h "
    r"units n_?units num_?units "
    r"n_?neurons neurons n_?rec n_?a state_?(size|dim) size_?h(idden)? d_?h hs nh rnn_?(size|dim|units) n_?state",
    "O": r"o output out n_?y n_?o n_?out\w* output_?\w* num_?out\w* out_?(size|dim|features|put) o_?dim y_?dim y_?size "
    r"dim_?y dim_?o(ut)? n_?classes num_?classes classes size_?o(ut)? d_?o(ut)? k ny no target_?(size|dim) "
    r"n_?tags n_?labels n_?targets",
    "I": r"i d input in n_?x n_?i n_?in\w* input_?\w* num_?in\w* in_?(size|dim|features|put) i_?dim x_?dim x_?size "
    r"dim_?x dim_?i(n)? n_?features num_?features features feature_?(size|dim) size_?i(n)? d_?i(n)? d_?x nx ni "
    r"embed\w* emb_?dim dim",
}
"""How people call sizes, patterns with blanks between, from what is most to what is least particular."""


def _pattern(text: str) -> re.Pattern[str]:
    """Return one pattern of several with blanks between."""
    return re.compile("|".join(text.split()), re.IGNORECASE)


SIZE_PATTERNS = {size: _pattern(text) for size, text in SIZES.items()}

PREFIX = re.compile(r"^(nb|num|no|number)_(of_)?", re.IGNORECASE)
"""What a count may start with instead of n_."""

NUMBERED = re.compile(r"^(\w*[a-z]{2})_?[1-9]$", re.IGNORECASE)
"""Names that are one of several of their kind: nh1, hidden_2."""

RATE = _pattern(r"lr learn(ing)?_?rate eta alpha step_?size l_?rate rate tasa\w* taux\w* lern_?rate")
EPOCHS = _pattern(r"(n|num|max|nb)?_?(epochs?|iter(ation)?s?|passes|rounds) n_?(it|ep)s?")
"""How often training goes over its data."""

TRUNCATION = _pattern(r"\w*trunc\w* \w*bptt\w* \w*back_?steps\w*")
INPUT = _pattern(
    r"x xs x_?seq\w* inputs?\w* in_?seq\w* seq(uence)?s? data batch x_?t x_?train x_?batch ids tokens idx sentence "
    r"words u us v x_?in features embed\w* feed indic\w* index\w*"
)
STATE = _pattern(
    r"h [hasrqzxc]_?0 \w*prev\w* h_?init\w* init\w* \w*state\w* hidden\w* h_?last hs h_?in h_?tm1 h_?t_?1 h_?start"
)
MEMORY = _pattern(
    r"c c_?(0|t|in|old|prev\w*|before|next|init\w*|tm1|t_?1) (prev|next|old|init|last)_?c(ell\w*)? "
    r"\w*cell_?(state)?\w* \w*memory\w*"
)
"""The second state of a cell such as an LSTM's."""

TARGET = _pattern(
    r"y ys t ts target\w* label\w* y_?true\w* y_?train y_?batch truth desired expected out_?true gt true_?\w* "
    r"\w+_star \w+_meas\w* measured\w* outputs?_?true d correct\w* y_?t answers?"
)
SURELY_A_TARGET = re.compile(
    r"target|label|truth|desired|expected|(^|_)true(_|$)|(^|_)(gold|soll|ziel|cible|hedef|alvo)|objetivo",
    re.IGNORECASE,
)
"""What is part of the names of targets alone."""

UPSTREAM = _pattern(
    r"d d\w+ grad\w* \w*_?grad(s|ients?)? delta\w* upstream\w* error\w* err loss_?grad\w* g gy dout"
)
FINAL = _pattern(
    r"(d|grad)_?[ahs](_?(n|t|last|final|end|out|next)(?![a-z])\w*)? (d|grad)_?(states?|hidden|carry|h_?c) d_?final\w* "
    r"d_?last\w* grad_?(final|last)\w*"
)
SURELY_FINAL = _pattern(
    r"(d|grad)_?[ahs]_?(n|t|last|final|end)(?![a-z])\w* d_?final\w* d_?last\w* grad_?(final|last)\w*"
)
FINAL_MEMORY = _pattern(
    r"(d|grad)_?c(_?(n|t|last|final|end|out|next)(?![a-z])\w*)? (d|grad)_?(cell|memory)\w*"
)
"""What the gradients of the final states are called, of h_n or both, of h_n alone, and of c_n."""

NEXT = _pattern(
    r"\w*next\w* (d|grad)_?[ahs]_?(n|t|last|final|end)(?![a-z])\w* d_?final\w* d_?last\w* grad_?(final|last)\w*"
)
CACHE = _pattern(
    r"cache\w* trace ctx context history memory fwd\w* states activations tape saved intermediates? hs h_?s hidden\w* "
    r"store"
)
OUTPUT = _pattern(
    r"y ys y_?hat y_?pred\w* pred\w* out outs outputs? logits? scores? probs? p ps yhat o os z zs y_?out result"
)
PARAMS = _pattern(r"param\w* weights? theta w_?dict model net\w* p args ws")

MASK = _pattern(r"\w*mask\w* valid")
LENGTHS = _pattern(r"(\w+_)?(lengths|lens|seqlens)")
"""Arguments that say which steps of sequences of different lengths count."""

FORWARD = re.compile(
    r"(?!.*(back|grad|bptt|train|fit|loss|update|init))"
    r"(.*(forward|fprop|fwd|feed|predict|call|run|unroll|propagat|rnn|step|apply|compute|output|infer|encode|scan|eval|"
    r"process|sequence).*)",
    re.IGNORECASE,
)
BACKWARD = re.compile(
    r".*(back|bptt|bprop|grad|bwd|deriv|accum|adjoint|vjp|sensitivit|deltas).*", re.IGNORECASE
)
TRAINS = re.compile(r".*(loss|train|fit|learn|update|optimi[sz]e|step|apply|cost).*", re.IGNORECASE)
LOSS = _pattern(r"\w*loss\w* \w*cost \w*criterion \w*cross_?entropy\w* \w*error")
CALLED_A_LOSS = re.compile(
    r"(\w+_)?(loss|cost|objective|criterion|nll|perte|co[uû]t|verlust|kosten|perda|custo|p[eé]rdida|coste|perdita|kay[iı]p|koszt|"
    r"strata|потер[ия]|sunshi)(_\w+)?",
    re.IGNORECASE,
)
"""What is a loss by its name; an error or a score may be no more than a figure to look at."""

BEGINS = _pattern(r"begin\w* start\w* new_\w+ reset\w* open\w* prepare\w*")
"""Methods that are to be called before a sequence begins."""

RESETS = re.compile(
    r"(?!.*(param|weight))_?((reset|clear|zero|wake|flush)\w*|(begin|start|init)\w*(state|hidden|sequence)\w*)",
    re.IGNORECASE,
)
"""Methods that set back what a sequence has left: its state, or gradients that add up."""

CHECKS = re.compile(
    r".*(check|numeric|test|sample|generate|plot|save|load|print|show|reset|zero|accuracy|verify|finite|compare|main).*",
    re.IGNORECASE,
)

WEIGHT_PATTERNS = {
    "W_hh": _pattern(
        r"\w*(hh|aa|ss|h2h|rec(ur\w*)?|w_?h|w_?s|w_?a|w_?rec\w*|state_?to_?state|hid(den)?_?(to_?)?hid(den)?) w r"
    ),
    "W_ih": _pattern(
        r"\w*(xh|ih|ax|hx|xa|ix|i2h|x2h|w_?x|w_?i|w_?in(put)?|w_?sx|w_?xs|in(put)?_?(to_?)?h\w*|kernel|hi) u wx"
    ),
    "W_hy": _pattern(r"\w*(hy|yh|ya|ho|oh|h2o|h2y|w_?y|w_?o|w_?out(put)?|hq|sy|hid\w*_?(to_?)?out\w*) v"),
    "b_y": _pattern(r"\w*(b_?y|b_?o|b_?out\w*|b_?hy|b_?ho|b_?q|b2|bias_?(y|o|out\w*)|b_?v) c"),
    "b": _pattern(r"b ba b_?\w* bias\w*"),
}
"""How people call parameters, from what is most to what is least particular."""

STORED = re.compile(r"([\w.]+)\.(weight|bias)(?:_(ih|hh)(?:_l0)?)?")
LINEAR = re.compile(r"fc|lin|out|head|dec|proj|dense|cls|class", re.IGNORECASE)
"""How torch stores parameters in a state dict, and what modules are called that are a head."""

BIAS = _pattern(r"b(ias)?_?[a-z]{0,2}\d?")
"""Arrays that are called like biases and nothing else."""

GRADIENT = re.compile(
    r"^_?(d|grad|g|delta|nabla|m|v|mem|cache|vel|acc|sum|adagrad|best|prev|old|last)_?(?=[A-Z_]|w|b|u|v|h|x)",
    re.IGNORECASE,
)
DERIVATIVE = _pattern(
    r"d dl dj de dldw g grad gradient grads gradients delta dloss nabla total sum dtotal dsum derivative"
)


ZEROES = _pattern(r"(zero|clear|reset)_?(all_?)?(the_?)?d?_?(grads?|gradients?|params_grad)")
"""Names of methods that clear gradients."""

CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a word begins in a name such as hiddenSize."""


@cache
def size_hint(name: str) -> str | None:
    """Return which size a name hints at: T, B, V (of a vocabulary), I, H or O.

    >>> size_hint("hidden_size"), size_hint("n_x"), size_hint("vocab_size"), size_hint("seq_length"), size_hint("foo")
    ('H', 'I', 'V', 'T', None)
    >>> size_hint("inputDim"), size_hint("nHidden"), size_hint("contextDim")
    ('I', 'H', 'H')
    """
    name = PREFIX.sub("n_", CAMEL.sub("_", name.strip("_")))
    name = NUMBERED.sub(r"\1", name)
    return next((size for size, pattern in SIZE_PATTERNS.items() if pattern.fullmatch(name)), None)


@cache
def weight_hint(name: str) -> str | None:
    """Return which parameter a name hints at.

    >>> [weight_hint(n) for n in ("rnn.weight_ih_l0", "rnn.bias_hh_l0", "fc.weight", "fc.bias")]
    ['W_ih', 'b', 'W_hy', 'b_y']
    >>> [weight_hint(n) for n in ("Wxh", "W_hh", "Why", "bh", "by", "U", "V", "W", "Wax", "kernel", "foo")]
    ['W_ih', 'W_hh', 'W_hy', 'b', 'b_y', 'W_ih', 'W_hy', 'W_hh', 'W_ih', 'W_ih', None]
    """
    name = name.strip("_")
    if (stored := STORED.fullmatch(name)) is not None:
        module, kind, of = stored.groups()
        if of or LINEAR.search(module):
            return "b" if of and kind == "bias" else f"W_{of or 'hy'}" if kind == "weight" else "b_y"
        return None
    roles = ("b_y", "b") if name.lower().startswith(("b_", "bias")) else WEIGHT_PATTERNS
    return next((role for role in roles if WEIGHT_PATTERNS[role].fullmatch(name)), None)


def gradient_of(name: str, parameter: str) -> bool:
    """Tell whether `name` reads like the gradient of `parameter`: dWxh, grad_Wxh, Wxh_grad of Wxh."""
    plain, wanted = (re.sub(r"[^a-z0-9]", "", text.lower()) for text in (name, parameter))
    if not wanted or wanted not in plain:
        return False
    return DERIVATIVE.fullmatch(plain.replace(wanted, "", 1)) is not None
