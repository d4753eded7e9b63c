"""Encryption and signature by the standards' own examples; addresses that are never sent to."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from fieldcrm.messages import endpoints, keys, webpush
from fieldcrm.messages.model import BadEndpoint, BadKeys
from tests.conftest import forget_settings
from tests.messages.push_service import Browser, PushService, unb64


def _key(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(text)), ec.SECP256R1())


UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
UA_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
    "a-fN"
)


def test_the_example_of_rfc_8291() -> None:
    """Appendix A of RFC 8291, byte for byte."""
    sealed = webpush.encrypt(
        b"When I grow up, I want to be a watermelon", UA_PUBLIC, AUTH, _key(AS_PRIVATE), unb64(SALT)
    )
    assert webpush.encode(sealed) == MESSAGE
    browser = Browser(_key(UA_PRIVATE), unb64(AUTH))
    assert browser.p256dh == UA_PUBLIC
    assert browser.read(sealed) == b"When I grow up, I want to be a watermelon"


def test_two_messages_never_look_alike() -> None:
    browser = Browser()
    said = [webpush.encrypt(b"x", browser.p256dh, webpush.encode(browser.auth)) for _ in range(2)]
    assert said[0] != said[1]
    assert [browser.read(body) for body in said] == [b"x", b"x"]


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [("", AUTH), ("AAAA", AUTH), (UA_PUBLIC[:-4], AUTH), (UA_PUBLIC, "AAAA"), ("é", AUTH),
     ("B" + "A" * 86, AUTH)],
)  # fmt: skip
def test_keys_that_are_none(p256dh: str, auth: str) -> None:
    with pytest.raises(BadKeys):
        webpush.check_keys(p256dh, auth)


def test_the_install_has_one_key(home: object) -> None:
    first = keys.public_key()
    assert len(unb64(first)) == 65
    path = home / keys.FILE  # type: ignore[operator]
    assert path.stat().st_mode & 0o777 == 0o600
    keys._read.cache_clear()
    assert keys.public_key() == first


@pytest.mark.parametrize(
    "endpoint",
    ["http://fcm.googleapis.com/x", "https://localhost/x", "https://127.0.0.1/x",
     "https://fcm.googleapis.com@evil.example/x", "https://fcm.googleapis.com.evil.example/x",
     "https://evil.example/fcm.googleapis.com", "ftp://fcm.googleapis.com/x", "//fcm.googleapis.com",
     "https://user:pass@fcm.googleapis.com/x", "https://fcm.googleapis.com:99999/", "",
     "https://fcm.googleapis.com/\r\nX: 1", "https://ｆcm.googleapis.com/x"],
)  # fmt: skip
def test_addresses_that_no_phone_may_name(home: object, endpoint: str) -> None:
    with pytest.raises(BadEndpoint):
        endpoints.check(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    ["https://fcm.googleapis.com/fcm/send/abc:123", "https://web.push.apple.com/QAbc",
     "https://updates.push.services.mozilla.com/wpush/v2/g", "https://wns2.notify.windows.com/w/?t=1"],
)  # fmt: skip
def test_the_known_services_are_allowed(home: object, endpoint: str) -> None:
    assert endpoints.check(endpoint) == endpoint


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "2002:7f00:1::", "224.0.0.1", "::"],
)  # fmt: skip
def test_no_address_of_a_private_network(address: str) -> None:
    assert not endpoints.is_public(address)


def test_a_public_address_is_one() -> None:
    assert endpoints.is_public("142.250.74.46")
    assert endpoints.is_public("2a00:1450:4026:803::200a")


def test_any_host_still_means_a_public_one(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that allows every host doesn't open this machine or its network."""
    monkeypatch.setenv("FIELDCRM_PUSH_HOSTS", "*")
    forget_settings()
    with pytest.raises(BadEndpoint):
        endpoints.post("https://localhost/x", {}, b"")
    with pytest.raises(BadEndpoint):
        endpoints.post("https://127.0.0.1/x", {}, b"")


def test_nobody_is_followed_elsewhere(pushes: PushService) -> None:
    pushes.will_answer("moved", 307, Location=pushes.endpoint("other"))
    assert endpoints.post(pushes.endpoint("moved"), {}, b"x").status == 307
    assert pushes.asked == ["/wpush/moved"]


def test_this_machine_only_by_setting(home: object) -> None:
    with pytest.raises(BadEndpoint):
        endpoints.check("http://127.0.0.1:9/x")
