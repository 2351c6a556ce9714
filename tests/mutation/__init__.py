"""Mutation testing: does a test fail when the program is wrong?

Each mutant is the program with one small change inside a function. mutmut's operators make the changes; the mutant
then runs the tests that execute the changed statement until one fails. A mutant that no test fails on has survived: a
test is missing, or the change is no change of what the program does, which `survivors/*.toml` must then explain.

Mutants run in children forked from one process in which pytest has collected the tests. A child replaces the code of
the changed function in place, so that nothing is copied, collected or imported again, and functions behind decorators
(properties, caches) are mutated like all others. mutmut's own runner leaves those out, and collects the tests anew for
every mutant.
"""
