"""Calling hand-written networks that nobody described: definitions loaded, interfaces found out by trying."""

from conformance.hand_written.calling.asking import Asked as Asked
from conformance.hand_written.calling.binding import Binding as Binding
from conformance.hand_written.calling.binding import Own as Own
from conformance.hand_written.calling.bound import Bound as Bound
from conformance.hand_written.calling.bound import Call as Call
from conformance.hand_written.calling.bound import Loss as Loss
from conformance.hand_written.calling.bound import OwnForward as OwnForward
from conformance.hand_written.calling.bound import Unbound as Unbound
from conformance.hand_written.calling.finding import bindings as bindings
from conformance.hand_written.calling.handwritten import handwritten as handwritten
from conformance.hand_written.calling.interface import Attempt as Attempt
from conformance.hand_written.calling.interface import Interface as Interface
from conformance.hand_written.calling.loading.load import Loaded as Loaded
from conformance.hand_written.calling.loading.load import load as load
from conformance.hand_written.calling.loading.load import loaded_from as loaded_from
from conformance.hand_written.calling.running.lists import lists as lists
from conformance.hand_written.calling.running.watch import watched as watched
from conformance.hand_written.calling.showing import observed as observed

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
