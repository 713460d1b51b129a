"""What is staged is read back as it was, and what is no record is no error."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.issuers.scep.record import ChallengeOrigin, Operation, Record, StagedSigner

INSTANT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(Record(id="1", operation=Operation.PKCS_REQ), id="least"),
        pytest.param(
            Record(
                id="2",
                operation=Operation.RENEWAL_REQ,
                renews=(1 << 159) + 1,
                signer=StagedSigner(key="key", certificate="certificate"),
                challenge=ChallengeOrigin.FETCHED,
                fetched_at=INSTANT,
                pending_since=INSTANT,
            ),
            id="most",
        ),
    ],
)
def test_it_is_read_back_as_it_was(record: Record) -> None:
    assert Record.parse(json.loads(json.dumps(record.as_resume()))) == record


KEYS = sorted(Record(id="1", operation=Operation.PKCS_REQ).as_resume())


@given(st.dictionaries(st.sampled_from(KEYS), st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=1)))
def test_what_is_none_is_told_apart(resume: dict[str, Any]) -> None:
    found = Record.parse(resume)
    assert found is None or isinstance(found, Record)
