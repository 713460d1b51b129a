"""No challenge, password or key in anything that might be shown."""

import traceback
from datetime import timedelta

import httpx
import pytest

from certwright.issuers.scep import SCEPCredentials
from certwright.issuers.scep.challenges.ndes import Account
from certwright.issuers.scep.challenges.source import FetchedChallenge
from certwright.issuers.scep.challenges.webhook import Hook
from certwright.issuers.scep.preparing import ChosenChallenge
from certwright.issuers.scep.record import Operation, Record, StagedSigner
from certwright.model.errors import EnrolmentError
from tests.issuers.scep.conftest import CHALLENGE, Stage, own, step

SECRET = "s3cret-value"
RECORD = Record(id="1", operation=Operation.PKCS_REQ, signer=StagedSigner(key=SECRET))


@pytest.mark.parametrize(
    "value",
    [
        SCEPCredentials(
            challenge=SECRET.encode(),
            ndes_username=SECRET.encode(),
            ndes_password=SECRET.encode(),
            webhook_key=SECRET.encode(),
        ),
        Account(username=SECRET, password=SECRET),
        Hook(url="https://hook.test/", key=SECRET.encode()),
        FetchedChallenge(value=SECRET),
        ChosenChallenge(value=SECRET),
        RECORD,
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_repr_holds_one(value: object) -> None:
    assert SECRET not in repr(value)


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({"rejected": ("2", "no")}, id="refused"),
        pytest.param({"digest": "sha1"}, id="weak"),
        pytest.param({"answers": [lambda: httpx.Response(500, text=CHALLENGE)]}, id="HTTP 500"),
    ],
)
async def test_no_error_holds_one(stage: Stage, knobs: dict[str, object]) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    for name, value in knobs.items():
        setattr(stage.server, name, value)
    with pytest.raises(EnrolmentError) as caught:
        await step(driver, staged)
    assert CHALLENGE not in "".join(traceback.format_exception(caught.value))


async def test_what_is_prepared_and_answered_shows_none(stage: Stage) -> None:
    driver = stage.driver()
    prepared = await driver.prepare(stage.request(credential=own(SECRET.encode())))
    assert SECRET not in repr(prepared)
    stage.server.pending = 1
    staged = await stage.stage(driver, stage.request(privateKey={"algorithm": "ECDSA"}))
    assert "PRIVATE KEY" in str(dict(staged.resume))
    answer = await step(driver, staged)
    assert "PRIVATE KEY" not in repr(answer)


async def test_the_resume_data_is_small(stage: Stage) -> None:
    current = await stage.enrolled(stage.driver())
    staged = await stage.stage(stage.driver(), stage.request(current=current))
    assert len(str(staged.resume)) < 8192
    assert stage.clock.now() - staged.request.started_at == timedelta(0)
