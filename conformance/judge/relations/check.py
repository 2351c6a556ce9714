"""Putting a case to a relation: two runs of the same subject, compared bit for bit or in units of noise."""

import hashlib
from collections.abc import Mapping

import numpy as np

from conformance.cases import Case, Problem
from conformance.errors import Unsupported
from conformance.judge import (
    Allowance,
    Comparison,
    Finding,
    Precision,
    Result,
    compared,
    decide,
    results,
)
from conformance.judge.relations.laws import RELATIONS
from conformance.judge.relations.relation import Pair, Relation, Run
from conformance.subjects.observation import Observation, same


def relations_for(case: Case) -> list[Relation]:
    """Return the relations that apply to `case`, in an order that depends on its id alone."""
    possible = [
        relation
        for relation in RELATIONS
        if relation.applies(case) and (relation.any_head or not case.output_size)
    ]
    digest = hashlib.sha256(f"relation of {case.id}".encode()).digest()
    turn = int.from_bytes(digest[:4], "little") % len(possible)
    return possible[turn:] + possible[:turn]


def relation_check(
    problem: Problem, run: Run, observation: Observation, allowed: Mapping[str, Allowance]
) -> list[Finding]:
    """Put the problem to the first of its relations that can be decided, and judge what that makes equal.

    `observation` is what the subject showed of `problem`. In a chaotic network only the exact relations can be
    decided, so that it isn't put to others. What a subject shows decides too: one that runs forward only is put to the
    laws that need no more. That runs repeat is asked where nothing else can be.

    Every law is asked twice: the problem is run again after the law's other side, so in the other order, and where that
    shows anything else, the law is judged of that as well.
    """
    shown = results(problem, observation).keys()
    chaotic = any(allowance.doubtful.any() for allowance in allowed.values())
    for relation in relations_for(problem.case):
        if (chaotic and relation.scale == "noise") or not needed_results(relation, problem) <= shown:
            continue
        try:
            findings = _findings(problem, run, observation, relation, allowed)
            again = run(problem)
            if not same(again, observation):
                findings += _findings(problem, run, again, relation, allowed)
        except Unsupported:  # the subject can't run the other side of this law
            continue
        if not any(finding.verdict == "undecidable" for finding in findings):
            return findings
    return []


def needed_results(relation: Relation, problem: Problem) -> set[str]:
    """Return the names of the results that a law builds on."""
    if relation.needs == "nothing":
        return set()
    if relation.needs == "gradients":
        return set(problem.weights)
    finals = {f"{letter}_n {place}" for letter in problem.case.carried for place in problem.places}
    return {"output"} | (finals if relation.needs == "final states" else set())


def _findings(
    problem: Problem, run: Run, observation: Observation, relation: Relation, allowed: Mapping[str, Allowance]
) -> list[Finding]:
    shown = results(problem, observation)
    pairs = list(relation.pairs(problem, run, observation))
    precision = Precision.of(problem.format)
    return decide((_comparison(relation, shown[p.result], p, allowed) for p in pairs), precision)


def _comparison(
    relation: Relation, result: Result, pair: Pair, allowed: Mapping[str, Allowance]
) -> Comparison:
    if relation.scale == "noise":
        whole = allowed[pair.result]
        bound, doubtful = whole.bound[pair.where], whole.doubtful[pair.where]
        allowance = Allowance(bound=bound, doubtful=doubtful, relative=whole.relative)
    else:
        nothing = np.zeros(pair.got.shape)
        allowance = Allowance(bound=nothing, doubtful=nothing.astype(np.bool_), relative=0.0)
    scale = "noise" if relation.scale == "noise" else "copy"
    return compared(result, pair.got, pair.expected, allowance, relation=relation.name, scale=scale)
