"""Calling hand-written networks that nobody described: definitions loaded, interfaces found out by trying."""

from conformance.handwritten.bound import Bound as Bound
from conformance.handwritten.bound import Call as Call
from conformance.handwritten.bound import Loss as Loss
from conformance.handwritten.bound import OwnForward as OwnForward
from conformance.handwritten.bound import Unbound as Unbound
from conformance.handwritten.interface import Attempt as Attempt
from conformance.handwritten.interface import Interface as Interface

__all__ = ["Attempt", "Bound", "Call", "Interface", "Loss", "OwnForward", "Unbound"]
