"""The procedure that asks every page of the project."""

from __future__ import annotations

from typing import Any

import pytest

from linod.checking import prepare
from linod.events import Outcome, RunEnded

from .project import environ, manage, write

SMOKE = "linod.integrations.django.smoke"


def smoke(shop: Any, **arguments: Any) -> RunEnded:
    shop.task("smoke", procedure=SMOKE, arguments=arguments)
    return shop.run("smoke")


def add_user(shop: Any, name: str) -> None:
    words = ("createsuperuser", "--no-input", "--username", name, "--email", "a@example.org")
    assert manage(shop.folder, *words, DJANGO_SUPERUSER_PASSWORD="x").returncode == 0


def test_pages_that_raise_or_answer_500_and_more_are_listed(shop: Any) -> None:
    end = smoke(shop)

    assert end.outcome is Outcome.FAILED
    _, _, reason = end.reason.partition(": ")
    assert reason.endswith(
        "pages failed: /broken/raises/: ValueError: no stock; "
        "/broken/unavailable/: status 503; /old/: ValueError: no stock"
    )


def test_pages_that_all_answer_succeed_and_are_counted(shop: Any) -> None:
    end = smoke(shop, exclude=["/broken/", "/old/$"])

    assert (end.outcome, end.reason) == (Outcome.SUCCEEDED, "")
    assert " pages answered" in shop.log()


def test_each_page_without_parameters_is_asked(shop: Any) -> None:
    shop.task("smoke", procedure=SMOKE, log_level="DEBUG")
    shop.run("smoke")

    log = shop.log()
    for path in ("/", "/admin/", "/admin/auth/user/", "/mine/", "/broken/raises/", "/old/"):
        assert f"GET {path}: " in log
    assert "GET /orders" not in log
    assert "GET /shops" not in log


def test_exclude_is_a_prefix_or_a_regular_expression(shop: Any) -> None:
    end = smoke(shop, exclude="/(broken|old)/.*")

    assert end.reason == ""


def test_a_wrong_regular_expression_is_told(shop: Any) -> None:
    end = smoke(shop, exclude="/(broken")

    assert end.reason.startswith('SmokeError: exclude: "/(broken" is no regular expression: ')


def test_a_user_sees_more_than_an_anonymous_one(shop: Any) -> None:
    add_user(shop, "ann")

    end = smoke(shop, exclude=["/broken/", "/old/"], user="ann")

    assert end.reason.endswith("pages failed: /mine/ as ann: LookupError: nothing for ann")


def test_no_session_of_the_user_stays(shop: Any) -> None:
    add_user(shop, "ann")
    smoke(shop, exclude=["/broken/", "/old/", "/mine/"], user="ann")

    code = "from django.contrib.sessions.models import Session; print(Session.objects.count())"
    assert manage(shop.folder, "shell", "-c", code).stdout.split()[-1] == "0"


def test_an_unknown_user_is_told_before_anything_is_asked(shop: Any) -> None:
    end = smoke(shop, user="nobody")

    assert end.reason == 'LinodError: there is no user "nobody"'
    assert "GET" not in shop.log()


def test_a_project_that_refuses_every_host_is_told(shop: Any) -> None:
    settings = shop.folder / "shop/settings.py"
    settings.write_text(settings.read_text() + "ALLOWED_HOSTS = []\n")

    assert smoke(shop).reason == "LinodError: ALLOWED_HOSTS is empty: every request is refused"


def test_middleware_that_raises_fails_its_page(shop: Any) -> None:
    settings = shop.folder / "shop/settings.py"
    settings.write_text(settings.read_text() + "MIDDLEWARE.append('shop.middleware.torn')\n")
    write(shop.folder, "shop/middleware.py", MIDDLEWARE)

    assert " failed: /mine/: OSError: torn; " in smoke(shop, exclude="/admin/").reason


MIDDLEWARE = """\
def torn(get_response):
    def handle(request):
        if request.path == "/mine/":
            raise OSError("torn")
        return get_response(request)
    return handle
"""


def test_a_project_that_wants_https_is_asked_so(shop: Any) -> None:
    settings = shop.folder / "shop/settings.py"
    more = "SECURE_SSL_REDIRECT = True\n"
    more += "MIDDLEWARE.insert(0, 'django.middleware.security.SecurityMiddleware')\n"
    settings.write_text(settings.read_text() + more)

    assert "/broken/raises/: ValueError" in smoke(shop).reason


def test_languages_in_paths_are_asked(shop: Any) -> None:
    write(shop.folder, "shop/urls.py", LANGUAGES)
    settings = shop.folder / "shop/settings.py"
    settings.write_text(settings.read_text() + "LANGUAGE_CODE = 'en'\n")

    assert smoke(shop).reason == (
        "SmokeError: 1 of 2 pages failed: /en/t%C3%A4nan/: ValueError: no stock"
    )


LANGUAGES = """\
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpResponse
from django.urls import path

def raises(request):
    raise ValueError("no stock")

urlpatterns = [path("", lambda request: HttpResponse("fine"))]
urlpatterns += i18n_patterns(path("tänan/", raises))
"""


@pytest.mark.parametrize("arguments", ['{ exclude = "/admin/" }', '{ exclude = ["/a", "/b"] }'])
def test_check_takes_its_arguments(shop: Any, arguments: str) -> None:
    text = '[linod]\ntimezone = "UTC"\ndjango = "shop.settings"\n'
    text += f'[tasks.smoke]\nprocedure = "{SMOKE}"\narguments = {arguments}\n'
    write(shop.folder, "linod.toml", text)

    assert prepare(shop.folder / "linod.toml", environ()).diagnostics == ()
