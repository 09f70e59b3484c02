"""What a keeper knows of all its tasks at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linod.executor.jobs import Jobs
from linod.executor.messages import TaskSpec

lessons = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, "DEBUG", "INFO"])))


@given(lessons)
def test_records_may_have_to_be_kept_as_long_as_one_task_wants_that(
    lessons: list[tuple[str, str | None]],
) -> None:
    jobs = Jobs(lambda _path: None)
    for name, level in lessons:
        jobs.learn(TaskSpec(name=name, log_keep=level))

        assert jobs.is_keeping() == any(spec.log_keep for spec in jobs.specs.values())
