"""Makes reports of all kinds by the models of pywats-api, the vendor's Python library.

    PYTHONPATH=<wheels of requirements.txt> python3 make_reports.py FOLDER

For each report there is FOLDER/files/NAME.json, as a program writes it, and FOLDER/expected/NAME.json, what a
server has to receive. Mostly they are the same; the last ones are written in ways that people write them in.
`cargo xtask test models` sends them through the client.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

from pywats.domains.report.report_models import (
    AdditionalData,
    AdditionalDataProperty,
    Attachment,
    ChartType,
    CompOp,
    SequenceCall,
    UURReport,
    UUTInfo,
    UUTReport,
)
from pywats.domains.report.report_models.binary_data import LoopInfo
from pywats.domains.report.report_models.uur.uur_info import UURInfo
from pywats.domains.report.report_models.uut.steps.generic_step import FlowType
from pywats.domains.report.report_models.uut.steps.unknown_step import UnknownStep

OSLO = timezone(timedelta(hours=1))
COMMON = {
    "pn": "BOARD-7",
    "rev": "A",
    "station_name": "STATION 4",
    "location": "Drammen, Norge Ø",
    "purpose": "Production",
}


def uut(serial_number, **fields):
    """A test report without steps."""
    return UUTReport(
        sn=serial_number,
        process_code=10,
        start=datetime(2026, 1, 30, 22, 1, 41, 470735, OSLO),
        info=UUTInfo(operator="Åse", comment="“quoted”, 電圧, 🙂", execTime=12.5, fixture_id="F1", batch_number="B7"),
        **{**COMMON, **fields},
    )


def numbers():
    """Every comparison of numbers, numbers that are none, one and several measurements a step."""
    report = uut("NUMBERS")
    root = report.get_root_sequence_call()
    for operator in CompOp:
        if operator.name in ("CASESENSIT", "IGNORECASE"):
            continue
        both = len(operator.value) == 4
        limits = {} if operator.name == "LOG" else {"low_limit": 1.0, **({"high_limit": 9.5} if both else {})}
        root.add_numeric_step(name=f"Is {operator.name}", value=4.97, unit="V", comp_op=operator, **limits)
    for value in (float("nan"), float("inf"), float("-inf"), 1e-300, 1e300, -0.0, 123456789012345678):
        root.add_numeric_step(name=f"Value {value}", value=value, unit="Ω", comp_op=CompOp.LOG)
    root.add_numeric_step(
        name="Open end", value=3.3, unit="V", comp_op=CompOp.GELE, low_limit=3.0, high_limit=float("inf")
    )
    several = root.add_multi_numeric_step(name="Rails")
    for rail in ("3V3", "5V", "5V"):
        several.add_measurement(name=rail, value=3.3, unit="V", comp_op=CompOp.GELE, low_limit=3, high_limit=3.6)
    return report


def steps():
    """Every other type of step, in groups and in sequences within sequences."""
    report = uut("STEPS", result="F")
    root = report.get_root_sequence_call()
    root.add_boolean_step(name="Lamp", status="P", group="S")
    root.add_boolean_step(name="Fuse", status="F", error_code=-17, error_message="blown", report_text="seen\nby\ttwo")
    several = root.add_multi_boolean_step(name="Lamps")
    several.add_measurement(name="red", status="P")
    several.add_measurement(name="green", status="F")
    root.add_string_step(name="Version", value="1.2.3", comp_op=CompOp.CASESENSIT, limit="1.2.3")
    root.add_string_step(name="Name", value="ABC", comp_op=CompOp.IGNORECASE, limit="abc")
    texts = root.add_multi_string_step(name="Texts")
    texts.add_measurement(name="one", status="P", value='NaN,"}', comp_op=CompOp.LOG)
    root.add_action_step("Reset", tot_time=0.25)
    for flow in FlowType:
        root.add_generic_step(step_type=flow, name=f"Flow {flow.name}", group="M")
    inner = root
    for depth in range(40):
        inner = inner.add_sequence_call(f"Level {depth}", version="2.0", status="F" if depth == 0 else "P")
    inner.add_numeric_step(name="At the bottom", value=1, comp_op=CompOp.LOG)
    root.add_step(UnknownStep(name="Of a kind that comes later", step_type="NI_NotYetInvented"))
    for kind in ("MessagePopup", "CallExecutable"):  # Their own models cannot be made: a method is missing.
        root.add_step(UnknownStep(name=f"Of type {kind}", step_type=kind))
    return report


def charts():
    """Charts of all types, as steps and on steps."""
    report = uut("CHARTS")
    root = report.get_root_sequence_call()
    for kind in ChartType:
        step = root.add_numeric_step(name=f"With {kind.name}", value=1, comp_op=CompOp.LOG)
        chart = step.add_chart(kind, "Response", "Frequency", "Hz", "Level", "dB")
        chart.add_series("left", [x * 0.5 for x in range(500)], [-x / 3 for x in range(500)])
        chart.add_series("no x", [], [1.0, -2.5e-7, 1e300])
    root.add_chart_step("A step of its own", chart_type="Line", label="L", x_label="t", x_unit="s", y_label="U")
    return report


def loops():
    """A step in a loop: the summary, then each turn."""
    report = uut("LOOPS")
    root = report.get_root_sequence_call()
    summary = root.add_numeric_step(name="Turn", value=1, comp_op=CompOp.LOG)
    summary.loop = LoopInfo(num=3)
    for index in range(3):
        root.add_numeric_step(name="Turn", value=index, comp_op=CompOp.LOG).loop = LoopInfo(idx=index, num=3)
    return report


def everything_else():
    """Sub-units, further information, assets, attachments, additional data."""
    report = uut("REST")
    root = report.get_root_sequence_call()
    step = root.add_action_step("With a file")
    step.add_attachment(Attachment.from_bytes(name="log.bin", content=bytes(range(256)) * 40))
    step.additional_results = [
        AdditionalData(name="Extra", props=[AdditionalDataProperty(name="n", type="Number", value="1.50")])
    ]
    report.add_sub_unit("PCBA", "SUB-1", "PN-SUB", "B").root = SequenceCall(name="Of the sub-unit")
    report.add_sub_unit("PSU", "SUB-2", "PN-PSU", "C")
    report.add_misc_info("Operating system", "Linux")
    report.add_misc_info("Humidity", 41.5)
    report.add_asset("METER-1", 3)
    return report


def repair():
    """A repair of the main unit and of what is within it."""
    report = UURReport(
        sn="REPAIRED",
        process_code=500,
        start=datetime(2026, 1, 31, 8, 0, 0, tzinfo=timezone.utc),
        info=UURInfo(operator="Bo", comment="", process_code=10, ref_uut=uuid4(), exec_time=60.0),
        **COMMON,
    )
    report.add_failure("Component", "Cracked", comment="C12 ≠ C13", component_ref="C12", ref_step_id=7)
    within = report.add_sub_unit("PN-SUB", "SUB-1", "B", "PCBA", parent_idx=0)
    report.add_sub_unit("PN-CHIP", "CHIP-1", "C", "IC", parent_idx=within.idx)
    report.add_failure("Solder", "Bridge", sub_unit_idx=within.idx)
    report.attach_bytes("picture.png", b"\x89PNG" + bytes(range(256)), "image/png")
    report.add_misc_info("Bench", "3")
    return report


def large():
    """Thousands of steps."""
    report = uut("LARGE")
    root = report.get_root_sequence_call()
    for group in range(20):
        sequence = root.add_sequence_call(f"Group {group}")
        for number in range(200):
            sequence.add_numeric_step(
                name=f"R{number}", value=number / 7, unit="Ω", comp_op=CompOp.GELE, low_limit=0, high_limit=99
            )
    return report


def dumped(report):
    """As the library itself sends it, but for what is no number: that it writes as text here."""
    return json.loads(report.model_dump_json(by_alias=True, exclude_none=True))


def main(folder):
    """Writes all reports."""
    files, expected = folder / "files", folder / "expected"
    files.mkdir(parents=True)
    expected.mkdir()

    def write(name, content, received):
        (files / f"{name}.json").write_bytes(content)
        (expected / f"{name}.json").write_text(json.dumps(received), encoding="utf-8")

    for make in (numbers, steps, charts, loops, everything_else, repair, large):
        report = make()
        report = report.model_dump_json(by_alias=True, exclude_none=True)
        write(make.__name__, report.encode(), json.loads(report))

    # Nulls and indentation.
    report = steps()
    text = report.model_dump_json(by_alias=True, indent=2)
    write("with_nulls", text.encode(), json.loads(text))
    # What json.dumps makes of floats that are no numbers.
    report = numbers()
    python = report.model_dump(mode="json", by_alias=True, exclude_none=True)
    python = json.dumps(python, ensure_ascii=False)
    assert "NaN," in python.replace('"NaN"', ""), "the models have learnt to do without bare NaN"
    write("bare_nan", python.encode(), dumped(report))
    # PowerShell and programs for Windows.
    for encoding, name in (("utf-8-sig", "with_mark"), ("utf-16", "utf16")):
        report = dumped(loops())
        write(name, json.dumps(report, ensure_ascii=False).encode(encoding), report)
    # A start from datetime.now(); the zone is that of the suite's configuration.
    report = dumped(loops())
    start = "2026-01-30T22:01:41.470735"
    write("local_time", json.dumps(report | {"start": start}).encode(), report | {"start": f"{start}+05:30"})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
