"""`manage.py linod …`: the whole command line of linod."""

from __future__ import annotations

from linod.integrations.django.bridge import command_class
from linod.integrations.django.commanding import call

Command = command_class(call)
