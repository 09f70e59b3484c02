"""What Django looks for in an app: its configuration."""

from __future__ import annotations

from linod.integrations.django.bridge import app_config

LinodConfig = app_config(__package__)
