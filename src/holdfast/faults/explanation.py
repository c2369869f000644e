"""Everything there is to say about one code, with its references followed: for `holdfast explain` and the pages."""

import msgspec

from holdfast.faults.catalogue import CATALOGUE, doc_path, fault
from holdfast.faults.entry import Fault
from holdfast.faults.guide import GUIDE


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Another code, by name, and what it has to do with the one explained."""

    code: str
    title: str
    note: str = ""


class GuideItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the troubleshooting guide, as the guide words it."""

    id: str
    text: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One fault and what surrounds it.

    `confused_with`: what it is mistaken for; each note tells the two apart. `beneath`: the causes a symptom may have.
    `symptom_in`: the symptoms this one may hide behind. `doc` is relative to the project's root.
    """

    fault: Fault
    confused_with: tuple[Reference, ...]
    beneath: tuple[Reference, ...]
    symptom_in: tuple[Reference, ...]
    guide: tuple[GuideItem, ...]
    doc: str


def explain(code: str) -> Explanation:
    """What is known about exactly this code.

    Raises:
        UnknownFault: there is no such code; its `nearest` holds what may have been meant.
    """
    entry = fault(code)
    return Explanation(
        fault=entry,
        confused_with=tuple(_refer(other, note) for other, note in entry.confused_with),
        beneath=tuple(_refer(other) for other in entry.beneath),
        symptom_in=tuple(_refer(above.code) for above in CATALOGUE.values() if code in above.beneath),
        guide=tuple(GuideItem(id=item, text=GUIDE[item]) for item in entry.guide),
        doc=doc_path(code),
    )


def _refer(code: str, note: str = "") -> Reference:
    return Reference(code=code, title=CATALOGUE[code].title, note=note)
