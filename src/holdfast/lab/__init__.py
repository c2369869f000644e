"""The laboratory: faults of the catalogue injected for real, and the verdicts read back."""

from holdfast.lab.context import Target
from holdfast.lab.injections import Injection, NotInjected
from holdfast.lab.laboratory import Laboratory
from holdfast.lab.mischief import make_mischief
from holdfast.lab.omissions import OMITTED
from holdfast.lab.results import Outcome, Result
from holdfast.lab.table import INJECTIONS, injection
from holdfast.lab.verdicts import Viewpoint

__all__ = [
    "INJECTIONS",
    "OMITTED",
    "Injection",
    "Laboratory",
    "NotInjected",
    "Outcome",
    "Result",
    "Target",
    "Viewpoint",
    "injection",
    "make_mischief",
]
