"""Signing in, scope, users and devices, on both databases."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest

from fieldcrm.kit import bus, clock, facts, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import notices, registry, service, signing, throttle
from fieldcrm.people.model import (
    BadField,
    DeviceKind,
    DeviceTaken,
    LastAdministrator,
    LoginTaken,
    NotSignedIn,
    OutOfScope,
    RoleForbids,
    SampleLoginRemote,
    SignInThrottled,
    StaleUser,
    UnknownDevice,
    WeakPassword,
    WrongLogin,
)
from fieldcrm.people.tables import SignIn, User
from tests.people.company import PASSWORD, Company, found

HERE = "127.0.0.1"
AWAY = "203.0.113.7"


@pytest.fixture
def company(any_db: str, valkey: object) -> Company:
    return found()


def enter(login: str, password: str = PASSWORD, address: str = AWAY):
    return signing.sign_in(login, password, address, "test")


class TestSigningIn:
    def test_a_right_password_opens_a_session_that_lasts_until_sign_out(self, company: Company):
        token, actor = enter("Rep_North ")
        assert actor.user_id == company.users["rep_north"]
        assert signing.authenticate(token) == actor
        signing.sign_out(token)
        with pytest.raises(NotSignedIn):
            signing.authenticate(token)

    def test_only_the_tokens_hash_is_kept(self, company: Company):
        token, _ = enter("admin")
        with reading() as session:
            kept = session.get(SignIn, secrets.token_hash(token))
            assert kept is not None
            assert token not in repr(kept)

    def test_a_wrong_login_is_refused_without_saying_what_was_wrong(self, company):
        for login, password in [
            ("rep_north", "wrong"),
            ("nobody", PASSWORD),
            ("", ""),
            ("a\x00b", "x"),
            ("rep_north", "x" * 100_000),
            ("x" * 100_000, PASSWORD),
            ("' OR 1=1 --", PASSWORD),
        ]:
            with pytest.raises(WrongLogin) as refusal:
                enter(login, password)
            assert refusal.value.params == {}

    def test_an_expired_session_is_over(self, company: Company):
        token, _ = enter("admin")
        with transaction() as session:
            row = session.get(SignIn, secrets.token_hash(token))
            assert row is not None
            row.expires_at = clock.real_now() - timedelta(seconds=1)
        with pytest.raises(NotSignedIn):
            signing.authenticate(token)

    def test_a_forged_token_is_nobody(self, company: Company):
        for token in [None, "", "x", "x" * 5_000, "a\x00b", "'; --"]:
            with pytest.raises(NotSignedIn):
                signing.authenticate(token)

    def test_a_stored_hash_is_no_token(self, company: Company):
        token, _ = enter("admin")
        with pytest.raises(NotSignedIn):
            signing.authenticate(secrets.token_hash(token))

    def test_an_unknown_login_takes_as_long_as_a_wrong_password(self, company: Company):
        def seconds(login: str) -> float:
            started = time.perf_counter()
            with pytest.raises(WrongLogin):
                enter(login, "wrong password")
            return time.perf_counter() - started

        seconds("warm_up")
        known = sorted(seconds("rep_north") for _ in range(5))[2]
        unknown = sorted(seconds(f"nobody{i}") for i in range(5))[2]
        assert unknown > known / 3

    def test_too_many_failures_stop_the_login_and_a_right_one_starts_afresh(self, company: Company):
        for _ in range(throttle.LOGIN_LIMIT - 1):
            with pytest.raises(WrongLogin):
                enter("rep_north", "wrong")
        enter("rep_north")
        for _ in range(throttle.LOGIN_LIMIT):
            with pytest.raises(WrongLogin):
                enter("rep_north", "wrong", "198.51.100.9")
        with pytest.raises(SignInThrottled) as refusal:
            enter("rep_north")
        assert 0 < refusal.value.params["retry_after_s"] <= throttle.WINDOW_S
        enter("rep_south")

    def test_many_logins_from_one_address_are_stopped(self, company: Company):
        for i in range(throttle.ADDRESS_LIMIT):
            throttle.take(f"login{i}", AWAY)
        with pytest.raises(SignInThrottled):
            enter("rep_north")
        enter("rep_north", address="198.51.100.1")

    def test_limits_hold_in_the_process_while_valkey_is_away(self, company, monkeypatch):
        monkeypatch.setenv("FIELDCRM_REDIS_URL", "redis://127.0.0.1:1/0")
        monkeypatch.setattr(throttle, "_own", throttle._OwnWindows())
        bus.connection.cache_clear()
        from fieldcrm.kit import settings

        settings.settings.cache_clear()
        enter("rep_north")
        for _ in range(throttle.LOGIN_LIMIT):
            with pytest.raises(WrongLogin):
                enter("rep_north", "wrong")
        with pytest.raises(SignInThrottled):
            enter("rep_north")


class TestSampleLogins:
    @pytest.fixture
    def sample(self, company: Company) -> Company:
        with transaction() as session:
            user = session.get(User, company.users["admin"])
            assert user is not None
            user.is_sample = True
            facts.put(session, facts.SAMPLE, True)
        return company

    def test_work_on_this_machine(self, sample: Company):
        for address in (HERE, "::1", "::ffff:127.0.0.1"):
            assert enter("admin", address=address)

    def test_are_refused_from_elsewhere(self, sample: Company):
        for address in [AWAY, "", "proxy", "::ffff:203.0.113.7", "127.0.0.1.evil"]:
            with pytest.raises(SampleLoginRemote):
                enter("admin", address=address)

    def test_a_setting_allows_more_but_only_in_a_sample_database(self, sample, monkeypatch):
        monkeypatch.setenv("FIELDCRM_ALLOW_SAMPLE_LOGINS", "1")
        from fieldcrm.kit import settings

        settings.settings.cache_clear()
        enter("admin")
        service.add_first("boss", "The Boss", "admin", "a fine long one")
        with reading() as session:
            assert facts.get(session, facts.SAMPLE) is False
        with pytest.raises(SampleLoginRemote):
            enter("admin")


class TestScope:
    CASES = [
        ("rep_north", {"rep_north"}),
        ("dispatcher_north", {"rep_north", "second_north"}),
        ("manager_south", {"rep_south"}),
        ("admin", {"rep_north", "second_north", "rep_south"}),
    ]

    def test_whom_each_role_sees(self, company: Company):
        for login, seen in self.CASES:
            actor = company.actor(login)
            assert {u.login for u in service.visible_reps(actor)} == seen
            for rep in ("rep_north", "second_north", "rep_south"):
                if rep in seen:
                    assert service.scope_rep(actor, company.users[rep]).login == rep
                else:
                    with pytest.raises(OutOfScope):
                        service.scope_rep(actor, company.users[rep])

    def test_nobody_but_reps_can_be_scoped(self, company: Company):
        for other in (company.users["manager_north"], "no such id"):
            with pytest.raises(OutOfScope):
                service.scope_rep(company.actor("admin"), other)

    def test_a_manager_without_teams_sees_nothing(self, company: Company):
        boss = company.actor("admin")
        service.save_user(boss, {"team_ids": []}, company.users["manager_north"])
        lonely = company.actor("manager_north")
        assert service.visible_reps(lonely) == []
        assert service.list_teams(lonely) == []


NEW = {"login": "maija", "name": "Maija Salo", "role": "rep", "password": "a fine long one"}


class TestUsers:
    def test_an_administrator_adds_a_rep_who_can_sign_in(self, company: Company):
        service.save_user(company.actor("admin"), {**NEW, "team_id": company.teams["north"]})
        assert enter("maija", NEW["password"])[1].team_ids == {company.teams["north"]}

    def test_others_may_not(self, company: Company):
        for login in ["rep_north", "dispatcher_north", "manager_north"]:
            actor = company.actor(login)
            with pytest.raises(RoleForbids):
                service.save_user(actor, NEW)
            with pytest.raises(RoleForbids):
                service.save_user(actor, {"role": "admin"}, actor.user_id)
            with pytest.raises(RoleForbids):
                service.deactivate_user(actor, company.users["rep_south"])
            with pytest.raises(RoleForbids):
                service.save_team(actor, "East")

    def test_a_bad_field_is_named(self, company: Company):
        for change, field in [
            ({"login": "x"}, "login"),
            ({"login": "two words"}, "login"),
            ({"role": "god"}, "role"),
            ({"name": " "}, "name"),
            ({"team_id": None}, "team_id"),
            ({"team_id": "nope"}, "team_id"),
            ({"shift_end_min": 60}, "shift_end_min"),
            ({"start_lat": 60.1}, "start_lng"),
            ({"start_lat": 91}, "start_lat"),
            ({"email": "nobody"}, "email"),
            ({"work_days": "089"}, "work_days"),
            ({"lunch_minutes": "30"}, "lunch_minutes"),
            ({"shift_start_min": True}, "shift_start_min"),
            ({"password": None}, "password"),
        ]:
            whole = {**NEW, "team_id": company.teams["north"], **change}
            with pytest.raises(BadField) as refusal:
                service.save_user(company.actor("admin"), whole)
            assert refusal.value.params == {"field": field}

    def test_a_rep_cannot_be_moved_to_a_team_that_isnt_there(self, company: Company):
        with pytest.raises(BadField):
            service.save_user(company.actor("admin"), {"team_id": "x"}, company.users["rep_north"])

    def test_a_weak_password_is_refused(self, company: Company):
        for password in ["short", "fieldcrm-sample", "aaaaaaaaaaaa", "1234567890"]:
            with pytest.raises(WeakPassword):
                service.save_user(
                    company.actor("admin"), {**NEW, "role": "admin", "password": password}
                )

    def test_a_login_is_taken_once_whatever_its_case(self, company: Company):
        with pytest.raises(LoginTaken):
            service.save_user(company.actor("admin"), {**NEW, "role": "admin", "login": "ADMIN"})

    def test_an_old_version_doesnt_overwrite(self, company: Company):
        boss, rep = company.actor("admin"), company.users["rep_north"]
        changed = service.save_user(boss, {"name": "First"}, rep, version=1)
        assert changed.version == 2
        with pytest.raises(StaleUser):
            service.save_user(boss, {"name": "Second"}, rep, version=1)

    def test_the_last_administrator_stays(self, company: Company):
        boss = company.actor("admin")
        with pytest.raises(LastAdministrator):
            service.deactivate_user(boss, boss.user_id)
        with pytest.raises(LastAdministrator):
            service.save_user(boss, {"role": "manager"}, boss.user_id)

    def test_who_is_let_go_is_out_at_once(self, company: Company):
        token, _ = enter("rep_north")
        _, device_token, *_ = registry.pair_device(
            company.actor("admin"), company.users["rep_north"], DeviceKind.overland
        )
        service.deactivate_user(company.actor("admin"), company.users["rep_north"])
        with pytest.raises(NotSignedIn):
            signing.authenticate(token)
        with pytest.raises(UnknownDevice):
            registry.device_by_token(device_token)
        with pytest.raises(WrongLogin):
            enter("rep_north")

    def test_a_new_password_ends_the_other_sessions(self, company: Company):
        mine, _ = enter("rep_north")
        stolen, actor = enter("rep_north")
        with pytest.raises(WrongLogin):
            service.set_own_password(actor, "a guess", "brand new words")
        service.set_own_password(actor, PASSWORD, "brand new words", keep_token=mine)
        assert signing.authenticate(mine)
        with pytest.raises(NotSignedIn):
            signing.authenticate(stolen)
        with pytest.raises(RoleForbids):
            service.set_password(actor, company.users["admin"], "brand new words")


class TestDevices:
    def test_pairing_gives_a_token_that_speaks_for_the_rep(self, company: Company):
        for kind in ["osmand", "owntracks", "overland", "gpslogger"]:
            rep = company.users["rep_north"]
            device, token, uri, svg = registry.pair_device(
                company.actor("dispatcher_north"), rep, kind, " His  phone "
            )
            who = registry.device_by_token(token)
            assert (who.device_id, who.rep_id, who.kind) == (device.id, rep, kind)
            assert who.team_id == company.teams["north"]
            assert device.name == "His phone"
            assert token not in repr(device)
            assert uri
            assert svg.startswith("<svg")

    def test_a_revoked_device_is_unknown_and_gateways_hear_of_it(self, company: Company):
        boss = company.actor("admin")
        device, token, *_ = registry.pair_device(boss, company.users["rep_north"], "osmand")
        heard = bus.connection().pubsub(ignore_subscribe_messages=True)
        heard.subscribe(notices.DEVICES_CHANNEL)
        heard.get_message(timeout=1)
        registry.revoke_device(boss, device.id)
        message = heard.get_message(timeout=2)
        assert message is not None
        assert json.loads(message["data"]) == {"t": "revoked", "device_id": device.id}
        with pytest.raises(UnknownDevice):
            registry.device_by_token(token)

    def test_another_teams_rep_or_device_isnt_there(self, company: Company):
        south = company.actor("dispatcher_south")
        north = company.users["rep_north"]
        device, *_ = registry.pair_device(company.actor("admin"), north, "osmand")
        for attempt in (
            lambda: registry.pair_device(south, north, "osmand"),
            lambda: registry.revoke_device(south, device.id),
            lambda: registry.list_devices(south, north),
        ):
            with pytest.raises(OutOfScope):
                attempt()
        assert registry.list_devices(south) == []
        assert [d.id for d in registry.list_devices(company.actor("rep_north"))] == [device.id]

    def test_a_phone_app_registers_itself_once_and_belongs_to_one_rep(self, company: Company):
        from fieldcrm.kit import ids

        mine, other = company.actor("rep_north"), company.actor("rep_south")
        device_id = ids.new_id()
        first = registry.register_device(mine, device_id, "Phone", "1")
        again = registry.register_device(mine, device_id, "Phone", "2")
        assert (first.id, again.app_version) == (device_id, "2")
        with pytest.raises(DeviceTaken):
            registry.register_device(other, device_id, "Phone", "1")
        registry.revoke_device(company.actor("admin"), device_id)
        with pytest.raises(UnknownDevice):
            registry.register_device(mine, device_id, "Phone", "3")

    def test_only_trackers_are_paired(self, company: Company):
        for kind in ["pwa", "carrier pigeon"]:
            with pytest.raises(BadField):
                registry.pair_device(company.actor("admin"), company.users["rep_north"], kind)
