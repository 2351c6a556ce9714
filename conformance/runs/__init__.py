"""Runs of many cases: mapped over workers, kept in a ledger, resumed where they broke off."""

from conformance.runs.assembly import assembled as assembled
from conformance.runs.ledger import Ledger as Ledger
from conformance.runs.runner import run_cases as run_cases
from conformance.runs.session import EvidenceInterrupted as EvidenceInterrupted
from conformance.runs.session import Session as Session
from conformance.runs.unit import Examined as Examined
from conformance.runs.unit import Outcome as Outcome

__all__ = ["EvidenceInterrupted", "Examined", "Ledger", "Outcome", "Session", "assembled", "run_cases"]
