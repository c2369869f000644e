"""An explanation follows every reference of an entry."""

import pytest

from holdfast.faults import CATALOGUE, UnknownFault
from holdfast.faults.explanation import GuideItem, Reference, explain


def test_an_explanation_names_rivals_with_title_and_the_way_to_tell_them_apart() -> None:
    told = explain("SIG-TRAILING")

    assert told.fault is CATALOGUE["SIG-TRAILING"]
    assert told.confused_with == (
        Reference(
            code="SIG-SEPARATOR",
            title="The fields were joined with a separator",
            note="There the extra bytes stand between the fields",
        ),
    )
    assert told.doc == "docs/diagnosis/SIG-TRAILING.md"


def test_a_symptom_is_explained_with_the_causes_beneath_and_each_cause_with_the_symptom_above() -> None:
    beneath = explain("LIFE-UNSUPPORTED-1003").beneath
    above = explain("MSG-BINARY").symptom_in

    assert [cause.code for cause in beneath] == ["MSG-BINARY"]
    assert [symptom.code for symptom in above] == ["LIFE-UNSUPPORTED-1003"]


def test_the_items_of_the_guide_are_given_in_the_guides_words() -> None:
    assert explain("LIFE-NO-HEARTBEAT").guide == (
        GuideItem(id="checklist-6", text="Checklist 6: Agent handles registration complete response"),
    )


def test_a_mistyped_code_is_not_explained_but_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownFault, match="LIFE-SILENT"):
        explain("life-silent")
