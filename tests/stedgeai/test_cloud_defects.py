"""The defects that were found in ST's own client of the Developer Cloud, by driving it: a test each, by number."""

import hashlib

import pytest

from stand_in_cloud import make_certificate, running
from textzoo.common.errors import UserError
from textzoo.targets.stedgeai.cloud import errors
from textzoo.targets.stedgeai.cloud.parameters import Parameters
from textzoo.targets.stedgeai.reports import parse_c_info, parse_cloud_benchmark

BOARD, DEFAULTS = "STM32H747I-DISCO", Parameters()


def refused(kind, call, *arguments):
    """Call, expect an error of this type, and return its message."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert type(caught.value) is kind
    return str(caught.value)


def validation_works(server, cloud, model):
    """1: `validate` always raised a TypeError."""
    assert cloud.validate(model, DEFAULTS)["info"]["memory_footprint"]["weights"] == model.stat().st_size // 2


def internal_and_external_flash_are_what_they_are_called(server, cloud, model):
    """2: layers in external flash were reported as those in internal flash."""
    report = parse_cloud_benchmark(cloud.benchmark(model, BOARD, DEFAULTS))
    assert report.external_flash_layers == ("far_weights",)
    assert report.internal_flash_layers == ("near_weights",)
    assert (report.uses_external_flash, report.uses_external_ram) == (True, False)


def a_trigger_that_fails_says_so(server, cloud, model):
    """3: HTTP 500 on the start of a benchmark became a TypeError."""
    server.inject("500 on trigger")
    assert "HTTP 500: Internal Server Error" in refused(
        errors.ServerFailedError, cloud.benchmark, model, BOARD, DEFAULTS
    )


def a_queue_has_a_time_limit(server, cloud, model):
    """4: the end of the time in a queue became an AttributeError."""
    server.inject("benchmark stuck")
    assert "state in_queue" in refused(errors.TimeLimitError, cloud.benchmark, model, BOARD, DEFAULTS)


def an_analysis_that_fails_says_why(server, cloud, model):
    """5: the state `error` became a TypeError, and the server's message was lost."""
    server.inject("run error with message")
    assert "layer BATCH_MATMUL" in refused(errors.JobFailedError, cloud.analyze, model, DEFAULTS)
    server.inject("run error without result")
    assert "failed" in refused(errors.JobFailedError, cloud.analyze, model, DEFAULTS)


def an_expired_token_is_renewed(server, cloud, model):
    """6: an expired token became a TypeError in the list of models."""
    assert cloud.files.models() == []
    server.access.clear()
    assert cloud.files.models() == []
    assert server.count_of("POST", "/api/user_service/login/refresh") == 1


def files_can_be_listed_and_deleted(server, cloud, model):
    """7: functions for files of the account were broken or missing; there are none here that do not work."""
    cloud.files.upload("a.tflite", b"x")
    assert cloud.files.models() == ["a.tflite"]
    cloud.files.delete("a.tflite")
    assert cloud.files.models() == []
    assert "HTTP 404: no such file" in refused(errors.ServerFailedError, cloud.files.delete, "a.tflite")


def a_login_that_fails_has_a_type(server, cloud, model):
    """8: no credentials became a TypeError, and a blocked account looked like any failure."""
    server.inject("blocked account")
    refused(errors.AccountBlockedError, cloud.boards)
    cloud.session.environment = {}
    refused(errors.NoCredentialsError, cloud.boards)


def an_unverified_server_gets_no_password(tmp_path, connect):
    """9: after an error of TLS, all was sent again without verification."""
    with running(certificate=make_certificate(tmp_path)) as server:
        refused(errors.CertificateError, connect(server).boards)
        assert server.requests == []


def nothing_is_measured_elsewhere(server, cloud, model):
    """10: after a failed benchmark, the model was analyzed for an STM32F4, and the run succeeded."""
    server.inject("benchmark error")
    refused(errors.JobFailedError, cloud.benchmark, model, BOARD, DEFAULTS)
    assert not [path for _, path in server.requests if "/stm32ai/" in path]


def a_model_of_the_same_name_is_not_used(server, cloud, model):
    """11: a model whose file name was in the account was not uploaded, and every file is quantized_model.tflite."""
    server.models[model.name] = b"stale"
    weights = cloud.analyze(model, DEFAULTS)["info"]["memory_footprint"]["weights"]
    assert weights == model.stat().st_size // 2
    ((name, content),) = server.uploads
    assert content == model.read_bytes()
    assert hashlib.sha256(content).hexdigest()[:32] in name


def flash_has_one_definition(server, cloud, model):
    """12: an analysis counted less of the library as flash than a benchmark."""
    analysis = parse_c_info(cloud.analyze(model, DEFAULTS)["info"])
    benchmark = parse_cloud_benchmark(cloud.benchmark(model, BOARD, DEFAULTS))
    assert analysis.flash_bytes == benchmark.flash_bytes == model.stat().st_size // 2 + 30000 + 500 + 7


ON_A_STAND_IN = [
    *(validation_works, internal_and_external_flash_are_what_they_are_called, a_trigger_that_fails_says_so),
    *(a_queue_has_a_time_limit, an_analysis_that_fails_says_why, an_expired_token_is_renewed),
    *(files_can_be_listed_and_deleted, a_login_that_fails_has_a_type, nothing_is_measured_elsewhere),
    *(a_model_of_the_same_name_is_not_used, flash_has_one_definition),
]


@pytest.mark.parametrize("defect", ON_A_STAND_IN, ids=lambda defect: defect.__doc__.partition(":")[0])
def test_a_defect_is_not_ours(stand_in, connect, model, defect):
    defect(stand_in, connect(stand_in, unchanged=0.2, limit=0.5), model)
    assert set(stand_in.models) <= {model.name}


def test_defect_9_is_not_ours(tmp_path, connect):
    an_unverified_server_gets_no_password(tmp_path, connect)
