"""One report, three forms: report.json, report.md, the console."""

import dataclasses
import io
import json

from rich.console import Console

from textzoo.report import (
    SECTIONS,
    BenchmarkReport,
    EvaluationReport,
    FlashBytes,
    ModelReport,
    Projection,
    QuantizationReport,
    RamBytes,
    Report,
    RunSummary,
    SampleReport,
    TrainingReport,
    key_value_rows,
    print_report,
    section_text,
    write_report,
)

REPORT = Report(
    model=ModelReport("pico_gpt", 418_432, 65, 128),
    training=TrainingReport(2500, 10_240_000, 400.0, 25_600.0, 1.6, 2400, False, "ab"),
    quantization=QuantizationReport("static_wi8_ai8", 450_000, 460_000, 1_700_000, 12.5),
    evaluation=[
        EvaluationReport("float", "keras", 20_000, 1.6, 2.308, 4.953, 0.52, 0.83, 1.0),
        EvaluationReport("int8", "litert_ref", 20_000, 1.64, 2.366, 5.155, 0.51, 0.82, 20.0, 0.04),
    ],
    samples=[SampleReport("int8", "litert_ref", "The ", "king", 4, 0.8, 0, 1, 0.01)],
)
SUMMARY = RunSummary("chain_tqe", "FINISHED", "somewhere", "id")


def test_json_holds_what_the_design_names(tmp_path):
    write_report(tmp_path, SUMMARY, REPORT)
    values = json.loads((tmp_path / "report.json").read_text())
    assert values["schema_version"] == 1
    assert values["operation_mode"] == "chain_tqe"
    assert values["model"]["parameters"] == 418_432
    assert values["training"]["tokens"] == 10_240_000
    assert [row["model"] for row in values["evaluation"]] == ["float", "int8"]
    assert values["quantization"]["file_bytes"] == 450_000
    assert "skipped" not in values
    assert "null" not in (tmp_path / "report.json").read_text()


def test_a_report_survives_the_ledger():
    assert Report.from_dict(json.loads(json.dumps(REPORT.to_dict()))) == REPORT


def test_sections_of_services_that_did_not_run_are_absent():
    assert set(Report(quantization=REPORT.quantization).to_dict()) == {"quantization"}


def test_merging_keeps_earlier_sections_and_takes_later_rows():
    report = Report(model=REPORT.model, evaluation=REPORT.evaluation[:1])
    report.merge(Report(quantization=REPORT.quantization))
    report.merge(Report(evaluation=REPORT.evaluation))
    assert report.model == REPORT.model
    assert report.evaluation == REPORT.evaluation


def test_markdown_and_console_show_the_same_figures(tmp_path):
    write_report(tmp_path, SUMMARY, REPORT)
    page = (tmp_path / "report.md").read_text()
    output = io.StringIO()
    print_report(Console(file=output, width=250), SUMMARY, REPORT)
    for figure in ("418,432", "1.6400", "2.3660", "0.0400", "450,000", "litert_ref", "The king"):
        assert figure in page
        assert figure in output.getvalue()


def test_every_quantity_has_a_unit():
    for section in SECTIONS.values():
        for entry in dataclasses.fields(section):
            assert "unit" in entry.metadata


def test_a_benchmark_comes_back_from_its_json_and_shows_units():
    benchmark = BenchmarkReport(
        board="STM32H7",
        measured_by="emulator",
        machine="QEMU",
        tokens_checked=256,
        mismatching_logits=0,
        macs_per_token=500,
        instructions_per_token=1000,
        same_text=True,
        flash_bytes=FlashBytes(1, 2, 3, 6),
        ram_bytes=RamBytes(1, 2, 3, 4, 10),
        projected=Projection(10, 1.5, "assumed", 7.0),
        by_kind={"ADD": 12},
        by_position=[1, 2],
    )
    report = Report(benchmark=benchmark)
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    rows = dict(key_value_rows(benchmark))
    assert rows["flash weights (bytes)"] == "1"
    assert rows["projected tokens per second"] == "7.0"
    assert rows["instructions: ADD"] == "12"
    assert "assumed" not in section_text(benchmark)
