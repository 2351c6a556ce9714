"""Matplotlib figures as inline SVG that a strict page can hold: no styles of its own, ids that don't clash, a title."""

import io
import re
from xml.etree import ElementTree as ET

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
REFERENCE = re.compile(r"url\(#(.+?)\)")
SIZE = re.compile(r"([\d.]+)px")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
DRAWN = ("d", "x", "y", "width", "height", "transform", "points")
"""Attributes that hold lengths, of which a hundredth of a point is more than enough."""


def drawn(figure: Figure, name: str, title: str, description: str) -> str:
    """Return `figure` as an SVG element, the same bytes for the same figure.

    Colours stay attributes, so that a stylesheet can give each another value in the dark; text stays text.
    """
    buffer = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "conformance"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - made one line above
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
        _tidy(parent, name)
    for shared in root.iterfind(f".//{{{SVG}}}defs//*"):
        for key in ("fill", "stroke"):  # each use has its own, and only that one can follow a stylesheet
            if shared.get(key, "").startswith("#"):
                del shared.attrib[key]
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-text", "class": "plot"}
    for n, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{'title' if n == 0 else 'text'}"})
        element.text = text
        root.insert(n, element)
    ET.register_namespace("", SVG)
    return ET.tostring(root, encoding="unicode")


def _tidy(element: ET.Element, name: str) -> None:
    """Turn a style into attributes and make ids the figure's own."""
    for declaration in filter(None, element.attrib.pop("style", "").split(";")):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            element.set("font-size", SIZE.findall(value)[0])
        else:
            element.set(key, value)
    if target := element.attrib.pop(f"{{{XLINK}}}href", None):
        element.set("href", f"#{name}-{target.removeprefix('#')}")
    for key in DRAWN:
        if key in element.attrib:
            text = LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", element.attrib[key])
            element.set(key, " ".join(text.split()))
    element.attrib.pop("font-family", None)  # the page's own
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.attrib['id']}")
    for key, value in element.attrib.items():
        if value.startswith("url("):
            element.set(key, REFERENCE.sub(rf"url(#{name}-\1)", value))
