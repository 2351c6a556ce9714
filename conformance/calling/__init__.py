"""Calling hand-written networks that nobody described: definitions loaded, interfaces found out by trying."""

from conformance.calling.asking import Asked as Asked
from conformance.calling.binding import Binding as Binding
from conformance.calling.binding import Own as Own
from conformance.calling.bound import Bound as Bound
from conformance.calling.bound import Call as Call
from conformance.calling.bound import Loss as Loss
from conformance.calling.bound import OwnForward as OwnForward
from conformance.calling.bound import Unbound as Unbound
from conformance.calling.finding import bindings as bindings
from conformance.calling.handwritten import handwritten as handwritten
from conformance.calling.interface import Attempt as Attempt
from conformance.calling.interface import Interface as Interface
from conformance.calling.loading.load import Loaded as Loaded
from conformance.calling.loading.load import load as load
from conformance.calling.loading.load import loaded_from as loaded_from
from conformance.calling.running.lists import lists as lists
from conformance.calling.running.watch import watched as watched
from conformance.calling.showing import observed as observed

__all__ = [
    "Asked",
    "Attempt",
    "Binding",
    "Bound",
    "Call",
    "Interface",
    "Loaded",
    "Loss",
    "Own",
    "OwnForward",
    "Unbound",
    "bindings",
    "handwritten",
    "lists",
    "load",
    "loaded_from",
    "observed",
    "watched",
]
