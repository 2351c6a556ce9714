"""Relations: laws between two runs of one subject that need no reference to know the right answer."""

from conformance.judge.relations.check import relation_check as relation_check
from conformance.judge.relations.check import relations_for as relations_for
from conformance.judge.relations.laws import RELATIONS as RELATIONS
from conformance.judge.relations.relation import Relation as Relation

__all__ = ["RELATIONS", "Relation", "relation_check", "relations_for"]
