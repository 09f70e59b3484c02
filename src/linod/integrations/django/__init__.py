"""linod in a Django project: an app for INSTALLED_APPS, and a procedure that asks all its pages."""

from __future__ import annotations

from linod.integrations.django.smoking import SmokeError, smoke

__all__ = ["SmokeError", "smoke"]
