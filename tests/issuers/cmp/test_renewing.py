"""Later certificates: who signs the request for them, and what happens where that cannot be the one that is there."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from certwright.model.enrolment import CurrentCertificate, Issued, StartAfresh
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.cmp import FakeAuthority, Kind, Refuse, key_usage
from tests.issuers.cmp.conftest import Stage, own, step


async def sent(stage: Stage, current: CurrentCertificate, *, credential: Any = None, **spec: Any) -> tuple[str, Kind]:
    """With which body and protection a certificate is asked for."""
    driver = stage.driver(**spec)
    issued = await stage.issue(driver, stage.request(current=current, credential=credential))
    assert issued.chain[0] in stage.server.authority.issued.values()
    body, request = stage.server.seen[-1]
    return body, request.kind


def short_lived(stage: Stage) -> CurrentCertificate:
    """As it was enrolled an hour before its end."""
    names = x509.SubjectAlternativeName([x509.DNSName("web.shop.test")])
    end = stage.clock.now() + timedelta(hours=1)
    pair = stage.server.authority.pair("web.shop.test", extra=[names], not_after=end)
    return CurrentCertificate(pair.certificate, pair.chain, pair.key)


async def test_it_is_signed_by_the_certificate_being_renewed_with_its_chain(stage: Stage) -> None:
    current = await stage.enrolled()
    assert await sent(stage, current) == ("kur", Kind.SIGNATURE)
    path = [current.leaf, stage.server.authority.issuing.certificate, stage.server.root]
    assert stage.server.seen[-1][1].extra_certs == path


async def test_a_renewal_has_the_subject_of_what_it_renews(stage: Stage) -> None:
    current = await stage.enrolled()
    prepared = await stage.driver().prepare(stage.request(current=current))
    assert prepared.subject == current.leaf.subject


async def test_the_renewal_may_be_an_initial_request(stage: Stage) -> None:
    current = await stage.enrolled()
    assert await sent(stage, current, renewalOperation="ir", initialOperation="cr") == ("ir", Kind.MAC)


async def test_an_expired_certificate_is_enrolled_for_anew(stage: Stage) -> None:
    current = short_lived(stage)
    assert (await stage.driver().prepare(stage.request(current=current))).resume["origin"] == "current"
    stage.clock.jump(7200)
    assert await sent(stage, current, initialOperation="cr") == ("cr", Kind.MAC)


async def test_another_content_is_enrolled_for_anew(stage: Stage) -> None:
    current = await stage.enrolled(dnsNames=["old.shop.test"])
    assert await sent(stage, current) == ("ir", Kind.MAC)


async def test_another_content_is_asked_for_by_the_certificate_where_nothing_else_is_there(stage: Stage) -> None:
    current = await stage.enrolled(dnsNames=["old.shop.test"])
    stage.without_credential()
    assert await sent(stage, current) == ("cr", Kind.SIGNATURE)


async def test_a_certificate_that_is_not_for_signatures_does_not_sign(stage: Stage) -> None:
    pair = stage.server.authority.pair("web.shop.test", usage=key_usage("key_encipherment"))
    assert await sent(stage, CurrentCertificate(pair.certificate, pair.chain, pair.key)) == ("ir", Kind.MAC)


async def test_a_certificate_of_another_ca_does_not_sign_where_that_is_known(stage: Stage, publish: Any) -> None:
    publish()
    other = FakeAuthority(clock=stage.clock.now, name="Other").pair("web.shop.test")
    driver = stage.driver()
    await driver.check()
    request = stage.request(current=CurrentCertificate(other.certificate, other.chain, other.key))
    await stage.issue(driver, request)
    assert stage.bodies == ["ir"]


@pytest.mark.parametrize("bits", [(10,), (20,), (1,), (4,)], ids=["revoked", "not trusted", "bad check", "unknown"])
async def test_a_refused_renewal_is_followed_by_an_enrolment_anew(stage: Stage, bits: tuple[int, ...]) -> None:
    current = await stage.enrolled()
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    stage.server.refusals.append(Refuse("not this one", bits, is_error=True))
    with pytest.raises(RejectedError) as caught:
        await step(driver, staged)
    assert not caught.value.is_credential_used
    await stage.issue(driver, stage.request(current=current))
    assert stage.bodies == ["kur", "ir"]


async def test_the_staged_certificate_signs_whatever_the_secret_holds_by_now(stage: Stage) -> None:
    current = await stage.enrolled()
    stage.server.polls = 1
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    issued, _ = await stage.play(staged.for_request(current=None), driver, restart=stage.driver)
    assert isinstance(issued, Issued)
    assert {request.signer for _, request in stage.server.seen} == {current.leaf}


async def test_a_signer_that_expired_before_anything_was_sent_is_of_no_use(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=short_lived(stage)))
    stage.clock.jump(7200)
    assert isinstance(await step(driver, staged), StartAfresh)


async def test_without_an_anchor_renewals_are_asked_for_by_the_secret(stage: Stage) -> None:
    stage.has_trust = False
    assert await sent(stage, await stage.enrolled()) == ("ir", Kind.MAC)


async def test_without_an_anchor_a_kur_that_is_wished_for_cannot_be(stage: Stage) -> None:
    stage.has_trust = False
    current = await stage.enrolled()
    with pytest.raises(IssuerError, match=r"set cmp\.trust") as caught:
        await stage.driver(renewalOperation="kur").prepare(stage.request(current=current))
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


async def test_a_mac_answers_no_signed_request(stage: Stage) -> None:
    current = await stage.enrolled()
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    stage.server.answer_with, stage.server.answer_secret = Kind.MAC, b"sesame"
    with pytest.raises(TransientError, match="protected by a MAC"):
        await step(driver, staged)


async def test_a_spent_secret_stands_in_no_renewals_way(stage: Stage) -> None:
    stage.without_credential()
    spent = own(obstacle=TransientError("spent", reason=Reason.CREDENTIAL_USED))
    current = await stage.enrolled_by(own())
    assert await sent(stage, current, credential=spent) == ("kur", Kind.SIGNATURE)


async def test_a_spent_secret_is_told_where_it_would_be_needed(stage: Stage) -> None:
    stage.without_credential()
    current = short_lived(stage)
    stage.clock.jump(7200)
    spent = own(obstacle=TransientError("spent", reason=Reason.CREDENTIAL_USED))
    with pytest.raises(EnrolmentError) as caught:
        await stage.driver().prepare(stage.request(current=current, credential=spent))
    assert caught.value.reason is Reason.CREDENTIAL_USED


async def test_without_any_credential_there_is_no_enrolment(stage: Stage) -> None:
    stage.without_credential()
    with pytest.raises(IssuerError) as caught:
        await stage.driver().prepare(stage.request())
    assert caught.value.reason is Reason.INVALID_CREDENTIALS
