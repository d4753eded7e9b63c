"""Sign-in: the form posts to the API; a sample company on this machine offers its logins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.session import ANYBODY, Desk, _is_sample, allows
from fieldcrm.components.sign_in import sign_in_form
from fieldcrm.components.words import texts
from fieldcrm.kit.settings import settings
from fieldcrm.people.model import Role

SAMPLE_PASSWORD = "fieldcrm-sample"  # public by design: the README prints it
SAMPLE_LOGINS = (("dispatcher", Role.dispatcher), ("manager", Role.manager), ("admin", Role.admin),
                 ("sanna", Role.rep))  # fmt: skip
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


@dataclass
class SampleLogin:
    """A login of the sample company, offered as a button."""

    login: str
    role: dict[str, str]


class SignIn(Desk):
    """Which logins the form may offer."""

    samples: list[SampleLogin] = []
    sample_password: str = ""

    @rx.event
    @allows(ANYBODY)
    async def load(self):
        """Offer the sample's logins where they would be let in."""
        near = settings().allow_sample_logins or self.router.session.client_ip in LOOPBACK
        if near and await asyncio.to_thread(_is_sample):
            self.samples = [
                SampleLogin(name, texts(f"desk.role.{role}")) for name, role in SAMPLE_LOGINS
            ]
            self.sample_password = SAMPLE_PASSWORD


def sign_in() -> rx.Component:
    """The page for whoever isn't signed in."""
    samples: Any = SignIn.samples
    return sign_in_form(samples, SignIn.sample_password)
