"""The judge: how closely must two correct programs agree, and do these two?"""

from conformance.judge.comparison import Divergence as Divergence
from conformance.judge.comparison import Finding as Finding
from conformance.judge.local import local_check as local_check

__all__ = ["Divergence", "Finding", "local_check"]
