"""`Setting`: one forward pass, and the tables with which very many backward loops behind it are run and compared."""

import math
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from conformance.faults import Choices
from conformance.faults.call import regrouped
from conformance.faults.forward import Scan
from conformance.hand_written.diagnosis.axes import Axes, Change, Plans, axes_of
from conformance.hand_written.diagnosis.fit import Fit
from conformance.hand_written.diagnosis.forwards import scanned
from conformance.hand_written.diagnosis.heads import HeadReading, head_readings
from conformance.hand_written.diagnosis.leaving import inner_fits
from conformance.hand_written.diagnosis.loops import Found, Tables
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.reads import CELL, Former, filled
from conformance.hand_written.diagnosis.targets import after_its_own_forward

TELLING = 3
"""The fewest numbers by which a gradient can decide on anything, one of which its constant takes."""


class Setting(Struct, frozen=True, kw_only=True, dict=True):
    """One forward pass, and everything that a search over backward loops behind it needs.

    Attributes
    ----------
    base, scan
        The choices of the forward pass, and what it leaves behind.
    tables, former
        What runs backward loops, and what forms gradients of parameters from what they find.
    heads
        The ways in which the head's gradients may have come about; none where they weren't shown or nothing fits.
    factor
        The constant that the head's gradients carry, with which loops are run.
    """

    material: Material
    base: Choices
    scan: Scan
    axes: Axes
    tables: Tables
    former: Former
    heads: tuple[HeadReading, ...]
    head_explained: bool
    factor: float

    @classmethod
    def of(cls, material: Material, base: Choices) -> "Setting":
        """Prepare the search for what follows the forward pass of `base`."""
        material = after_its_own_forward(material, base)
        scan = scanned(material, base)
        axes = axes_of(material.problem, material.early_rate, base)
        readings = head_readings(material, scan, base)
        factor = 1.0
        if readings:
            losses = [axes["head_loss"].alternatives.index(_loss(reading.change)) for reading in readings]
            axes = axes.restricted("head_loss", tuple(dict.fromkeys(losses)))
            factor = next((f for f in readings[0].factors.values() if f and math.isfinite(f)), 1.0)
        return cls(
            material=material,
            base=base,
            scan=scan,
            axes=axes,
            tables=Tables.of(material, axes, scan, _with_states_of_the_head(base, readings), factor),
            former=Former.of(scan, base),
            heads=tuple(readings or ()),
            head_explained=readings is None or bool(readings),
            factor=factor,
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The gradients that tell something of the backward loop, the ones with most to say of it first."""
        material = self.material
        order = ("bias_ih_l0", "bias_hh_l0", "weight_ih_l0", "weight_hh_l0")
        shown = [name for name in order if name in material.parameters]
        return (*sorted(shown, key=self.dropped), *material.inner)

    @cached_property
    def deciding(self) -> tuple[str, ...]:
        """Those of them that can tell loops apart by themselves."""
        arrays = {**self.material.parameters, **self.material.inner}
        telling = tuple(name for name in self.names if arrays[name].size >= TELLING)
        return tuple(name for name in telling if arrays[name].any() and not filled(arrays[name])) or telling

    @property
    def blind(self) -> frozenset[str]:
        """Seams of which nothing is seen, since no gradient of a bias is shown."""
        biases = [name for name in self.names if name.startswith("bias") and not self.dropped(name)]
        return frozenset() if biases else frozenset({"reduce_b", "formed_b"})

    def dropped(self, name: str) -> bool:
        """Return whether the gradient of a parameter is zero, which tells nothing about the loop."""
        return name in self.material.parameters and not self.material.parameters[name].any()

    def fits(
        self, name: str, plans: Plans, loops: Found, most: int | None = None
    ) -> list[tuple[Change, Fit]]:
        """Return how every way of forming one gradient from these loops, with at most `most` wrong choices, fits it."""
        material = self.material
        if name in CELL:
            target = material.parameters[name]
            return self.former.fits(CELL[name], target, loops.d_a, loops.d_h, material.limit, most)
        target = material.inner[name]
        if name == "d_x":
            target = regrouped(self.base.inputs, target)
        return inner_fits(name, target, self.tables, plans, loops, material.early_rate)


def _with_states_of_the_head(base: Choices, readings: list[HeadReading] | None) -> Choices:
    """Return the choices of a forward pass with the states that the head's own update is made of."""
    read = (
        {"head_read": readings[0].change["head_read"]}
        if readings and "head_read" in readings[0].change
        else {}
    )
    return replace(base, **read)


def _loss(change: Change) -> Change:
    return {key: value for key, value in change.items() if key == "head_loss"}
