"""Answers to visit forms in the list of visits: in words, and counted by a question."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx

from fieldcrm.components.counted import Bar, bars, counted_panel
from fieldcrm.components.section import Choice, Listing
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.forms.service import Reader
from fieldcrm.kit.errors import Refusal
from fieldcrm.people.model import Actor
from fieldcrm.reports import answers
from fieldcrm.visits.model import VisitFilters
from fieldcrm.visits.store import VisitView


class AnswerCounts(Listing, Desk, mixin=True):
    """Part of the list's state: the question that is counted, and how it was answered."""

    questions: list[Choice] = []
    """`<form>:<field>` of each question that can be counted."""
    question: str = ""
    answered: list[Bar] = []

    async def _read_questions(self, actor: Actor) -> None:
        every = await asyncio.to_thread(answers.questions, actor, self.language)
        self.questions = [Choice(f"{q.form_id}:{q.field}", q.label) for q in every]

    async def _count(self, wanted: VisitFilters) -> None:
        """Count the answers of the list's visits; a question that is gone closes the counts."""
        form_id, _, name = self.question.partition(":")
        if not name:
            self.answered = []
            return
        try:
            found = await asyncio.to_thread(
                answers.count, self._actor(), form_id, name, wanted, self.language
            )
        except Refusal:
            self.question, self.answered = "", []
            return
        self.answered = bars(((a.value, a.label, a.visits) for a in found), self.language)

    @rx.event
    @allows(DISPATCHING)
    async def ask(self, question: str):
        """Count the answers to a question; none closes the counts."""
        known = {choice.value for choice in self.questions}
        self.question = question if question in known else ""
        await self._show()


def answers_text(view: VisitView, read: Reader) -> str:
    """A visit's answers on one line."""
    return " · ".join(f"{row.label}: {row.text}" for row in read.rows(view.visit.details or {}))


def answer_choice(state: Any) -> rx.Component:
    """Which question to count; nothing where no form asks one that can be."""
    chosen = rx.el.select(
        rx.el.option(words("own_fields.count_by"), value=""),
        rx.foreach(state.questions, lambda o: rx.el.option(o.text, value=o.value)),
        value=state.question, on_change=state.ask, class_name="input sm pick",
        aria_label=words("own_fields.count_by"),
    )  # fmt: skip
    return rx.cond(state.questions.length() > 0, chosen, rx.fragment())


def answer_panel(state: Any) -> rx.Component:
    """The counts, where the person asked for them."""
    panel = counted_panel(words("form_admin.answers"), state.answered, state.ask(""))
    return rx.cond(state.question != "", panel, rx.fragment())
