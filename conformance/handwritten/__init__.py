"""Calling hand-written networks that nobody described: definitions loaded, interfaces found out by trying."""

from conformance.handwritten.asking import Asked as Asked
from conformance.handwritten.bound import Bound as Bound
from conformance.handwritten.bound import Call as Call
from conformance.handwritten.bound import Loss as Loss
from conformance.handwritten.bound import OwnForward as OwnForward
from conformance.handwritten.bound import Unbound as Unbound
from conformance.handwritten.declared import declared as declared
from conformance.handwritten.finding import bindings as bindings
from conformance.handwritten.interface import Attempt as Attempt
from conformance.handwritten.interface import Interface as Interface
from conformance.handwritten.load import Loaded as Loaded
from conformance.handwritten.load import load as load
from conformance.handwritten.load import loaded_from as loaded_from
from conformance.handwritten.showing import observed as observed
from conformance.handwritten.watch import watched as watched

__all__ = [
    "Asked",
    "Attempt",
    "Bound",
    "Call",
    "Interface",
    "Loaded",
    "Loss",
    "OwnForward",
    "Unbound",
    "bindings",
    "declared",
    "load",
    "loaded_from",
    "observed",
    "watched",
]
