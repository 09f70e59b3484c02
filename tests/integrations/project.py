"""A real Django project on disk, with an SQLite database, the admin, and an app of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
"""
SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = [".example.org"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "linod.integrations.django",
    "orders",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "shop.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
        "OPTIONS": {"timeout": 60},  # on a slow disk several writers wait for each other
    },
}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
URLS = """\
from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path, re_path

def fine(request):
    return HttpResponse("fine")

def raises(request):
    raise ValueError("no stock")

def unavailable(request):
    return HttpResponse(status=503)

def only_for_ann(request):
    if request.user.is_authenticated:
        raise LookupError(f"nothing for {request.user}")
    return HttpResponse("who are you?")

def leave(request):
    from django.contrib.auth import logout
    logout(request)
    return HttpResponse("left")

broken = [path("raises/", raises), path("unavailable/", unavailable)]
urlpatterns = [
    path("", fine),
    path("admin/", admin.site.urls),
    path("leave/", leave),
    path("mine/", only_for_ann),
    path("orders/<int:number>/", raises),
    path("shops/<slug:shop>/", include(broken)),
    path("broken/", include(broken)),
    re_path(r"^old/(?P<year>[0-9]{4})/$", raises),
    re_path(r"^old/$", raises),
]
"""
MODELS = """\
from django.db import models

class Order(models.Model):
    name = models.CharField(max_length=50)
"""
TASKS = '''\
import logging
import linod
from django.contrib.auth.models import User

users_at_import = User.objects.count()   # opens a connection in whoever imports it

@linod.procedure(recurrence="every day at 04:00")
def count_users():
    """Count them."""
    logging.getLogger("orders").info("%d users, %d before", User.objects.count(), users_at_import)

def nothing():
    pass
'''
COMMAND = """\
import sys
from django.core.management.base import BaseCommand, CommandError

class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("word")
        parser.add_argument("--times", type=int, default=1)

    def handle(self, *, word, times, **options):
        if word == "refuse":
            raise CommandError("the stock is empty", returncode=3)
        if word == "crash":
            raise ConnectionError("the far end hung up")
        if word == "exit":
            sys.exit(times)
        if word == "argv":
            word = " ".join(sys.argv)
        for _ in range(times):
            self.stdout.write(f"say {word}")
        self.stderr.write("and be silent")
"""
SQLITE_FILES = ("db.sqlite3", "db.sqlite3-journal", "db.sqlite3-wal")


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file of the project, and the folders on the way."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def build(folder: Path) -> None:
    """Write the project; its database is there, but has no tables."""
    write(folder, "manage.py", MANAGE)
    write(folder, "shop/__init__.py", "")
    write(folder, "shop/settings.py", SETTINGS)
    write(folder, "shop/urls.py", URLS)
    write(folder, "orders/__init__.py", "")
    write(folder, "orders/models.py", MODELS)
    write(folder, "orders/tasks.py", TASKS)
    write(folder, "orders/management/commands/talk.py", COMMAND)


def environ() -> dict[str, str]:
    """Give an environment that says nothing of a project."""
    names = ("LINOD_", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)}


def manage(
    folder: Path, *words: str, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Call manage.py."""
    return subprocess.run(
        [sys.executable, str(folder / "manage.py"), *words],
        cwd=cwd or folder,
        env={**environ(), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def migrate(folder: Path) -> None:
    """Make the tables."""
    write(folder, "orders/migrations/__init__.py", "")
    for words in (("makemigrations", "orders"), ("migrate", "-v", "0")):
        done = manage(folder, *words)
        assert done.returncode == 0, done.stderr
