"""Relations: laws between two runs of one subject that need no reference to know the right answer."""

from conformance.relations.check import relation_check as relation_check
from conformance.relations.check import relations_for as relations_for
from conformance.relations.laws import RELATIONS as RELATIONS
from conformance.relations.relation import Relation as Relation

__all__ = ["RELATIONS", "Relation", "relation_check", "relations_for"]
