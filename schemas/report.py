"""A plan for people: sentences, and sections with a table each, to be shown on a terminal, a page or in a document."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Cell(BaseModel):
    """Text of a cell; a number also has its exact value."""

    model_config = ConfigDict(frozen=True)

    text: str
    value: float | None = Field(default=None, description="The number behind the text, not rounded.")
    unit: str = Field(default="", description="Unit of the value; empty for a fraction, an index or a year.")

    @property
    def exact(self) -> str:
        """The number in full with its unit; empty for a text."""
        return "" if self.value is None else f"{self.value!r} {self.unit}".strip()


class Heading(BaseModel):
    """The head of a column."""

    model_config = ConfigDict(frozen=True)

    title: str
    number: bool = Field(default=False, description="Whether the column holds numbers, and is aligned to the right.")
    detail: bool = Field(default=False, description="Whether the column is left out where there is little room.")


class Section(BaseModel):
    """A table under a title. Each row has a cell for each column."""

    name: str = Field(description="Stable name, such as `cost_terms`.")
    title: str
    columns: list[Heading]
    rows: list[list[Cell]] = Field(description="What matters most stands first.")
    total: list[Cell] | None = None
    note: str = Field(default="", description="A sentence to be read with the numbers.")
    empty: str = Field(default="None.", description="What is said if there are no rows.")
    source: str = Field(default="", description="The table of the result that has all of it, if one has.")
    brief_rows: int = Field(default=200, description="Rows that are shown where there is little room.")


class Report(BaseModel):
    """A plan from its title to its check."""

    title: str
    status: str = Field(description="How the search ended.")
    findings: list[str] = Field(description="Sentences, the decision first; or why there is no plan.")
    sections: list[Section]
    closing: list[str] = Field(description="Sentences on how far it can be relied on.")
