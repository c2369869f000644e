"""What can go wrong, each under a stable code, and the one shape in which it is told."""

from holdfast.faults.catalogue import CATALOGUE, UnknownFault, doc_path, fault, nearest, problem
from holdfast.faults.entry import Area, Blame, Fault, Kind, Severity
from holdfast.faults.problem import HoldfastError, Problem, Refused, Unavailable, cut_utf8, printable

__all__ = [
    "CATALOGUE",
    "Area",
    "Blame",
    "Fault",
    "HoldfastError",
    "Kind",
    "Problem",
    "Refused",
    "Severity",
    "Unavailable",
    "UnknownFault",
    "cut_utf8",
    "doc_path",
    "fault",
    "nearest",
    "printable",
    "problem",
]
