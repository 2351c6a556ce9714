"""The colours of the plots: each stands for one thing, and the page's stylesheet gives it another value in the dark."""

INK = "#24303c"
MUTED = "#66727f"
GRID = "#dfe4ea"
SUBJECT = "#1d63a8"
REFERENCE = "#c05a12"
THIRD = "#2f7a57"
NOISE = "#b9c3cd"
FORBIDDEN = "#f3d6d2"
ALARM = "#ad2b20"

SERIES = (SUBJECT, REFERENCE, THIRD, "#7b4fa3", "#8a6d00", "#0c7d8c", "#a8447a", "#5d6b2f")
"""One for each subject, in the record's order."""

STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.3,
    "mathtext.default": "regular",
}
"""How all figures look."""
