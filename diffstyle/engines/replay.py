"""Recipes of older versions, and the task that a recipe describes."""

from __future__ import annotations

from dataclasses import replace

from diffstyle.core.fields import fields_of, values_of
from diffstyle.core.picture import Picture
from diffstyle.core.settings import Settings
from diffstyle.core.task import Task
from diffstyle.engines.registry import engine_from, settings_class
from diffstyle.formats.recipe import SCHEMA, Recipe


def upgraded(recipe: Recipe) -> Recipe:
    """`recipe` as this version would write it.

    Schema 1 wrote the settings of every engine into every recipe, and engines ignored those that were not theirs.
    """
    if recipe.schema == SCHEMA:
        return recipe
    cls, settings = settings_class(recipe.engine), recipe.settings
    if not cls.capabilities.structure:
        settings = replace(settings, structure=Settings().structure)
    own = {info.name for info in fields_of(cls)}
    values = {name: value for name, value in recipe.engine_values.items() if name in own}
    return replace(recipe, settings=settings, engine_values=values, schema=SCHEMA)


def task_of(recipe: Recipe, content: Picture) -> Task:
    """What was rendered, on its photo. Raises InputError for settings that the engine does not have."""
    recipe = upgraded(recipe)
    return Task(
        content,
        recipe.style,
        engine=engine_from(recipe.engine, recipe.engine_values),
        negative_style=recipe.negative_style,
        mask=recipe.mask,
        regions=recipe.regions,
        **values_of(recipe.settings),
    )
