"""No secret or key in anything that might be shown."""

import traceback
from dataclasses import replace

import httpx
import pytest

from certwright.issuers.cmp import CMPCredentials
from certwright.issuers.cmp.credentials import Identity, read_identity
from certwright.issuers.cmp.memory import Memory, OwnSecrets
from certwright.issuers.cmp.record import Record, Settled, StagedSigner
from certwright.model import keys
from certwright.model.errors import EnrolmentError
from certwright.model.resources import CMPIssuer
from certwright.protocols.cmp import MACProtection
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import Kind, Refuse
from tests.issuers.cmp.conftest import MAC, SECRET, Stage, ec_key, own, step

TOLD = "s3cret-value"
CREDENTIALS = CMPCredentials(
    mac_secret=TOLD.encode(),
    certificate=TOLD.encode(),
    key=TOLD.encode(),
    ra_certificate=TOLD.encode(),
    ra_key=TOLD.encode(),
    trust=TOLD.encode(),
)


def identity() -> Identity:
    spec = CMPIssuer.model_validate({"url": "http://cmp.test/", "protection": MAC})
    return read_identity(spec, CREDENTIALS)


def secrets() -> OwnSecrets:
    held = OwnSecrets()
    held.of(MACProtection(reference="device", secret=TOLD.encode()))
    return held


@pytest.mark.parametrize(
    "value",
    [
        CREDENTIALS,
        identity(),
        secrets(),
        StagedSigner(key=TOLD, certificates=""),
        Memory(FakeClock().now),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_repr_holds_one(value: object) -> None:
    assert TOLD not in repr(value)


def test_no_repr_of_what_was_granted_holds_a_key() -> None:
    assert "key" not in repr(Settled(chain=(), anchors=(), key=ec_key()))


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({"refusals": [Refuse("no")]}, id="refused"),
        pytest.param({"answer_secret": b"another"}, id="wrong MAC"),
        pytest.param({"answer_with": Kind.NONE}, id="unprotected"),
        pytest.param({"next_answers": [lambda: httpx.Response(500, text=SECRET.decode())]}, id="HTTP 500"),
    ],
)
async def test_no_error_holds_one(stage: Stage, knobs: dict[str, object]) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own()))
    for name, value in knobs.items():
        held = getattr(stage.server, name)
        if isinstance(value, list):
            held.extend(value)
        else:
            setattr(stage.server, name, value)
    with pytest.raises(EnrolmentError) as caught:
        await step(driver, staged)
    text = "".join(traceback.format_exception(caught.value))
    assert SECRET.decode() not in text
    assert "own secret" not in text


async def test_what_is_staged_for_a_renewal_shows_no_key(stage: Stage) -> None:
    current = await stage.enrolled()
    prepared = await stage.driver().prepare(stage.request(current=current))
    record = Record.parse(prepared.resume)
    assert record is not None
    assert record.signer is not None
    assert "PRIVATE KEY" in str(dict(prepared.resume))
    assert "PRIVATE KEY" not in repr((prepared, record))
    assert keys.public_der(record.signer.read().key) == keys.public_der(current.key)


async def test_a_mac_secret_is_never_staged(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own()))
    answer = await step(driver, staged)
    for stored in (staged.resume, getattr(answer, "resume", {})):
        assert "own secret" not in str(stored)
        assert b"own secret".hex() not in str(stored)


def test_own_secrets_are_derived_once_and_bounded() -> None:
    held = OwnSecrets()
    first = held.of(MACProtection(reference="device", secret=b"x"))
    assert held.of(MACProtection(reference="device", secret=b"x")) is first
    assert held.of(replace(first, secret=b"y")) is not first
    for number in range(2000):
        held.of(MACProtection(reference=str(number), secret=b"x"))
    assert repr(held) == "OwnSecrets(1000)"
