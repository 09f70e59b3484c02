"""What users of other schedulers asked for or were hurt by, case by case.

Each test names in its docstring the threads in public issue trackers from which it comes. It uses
the planner, the loader or the engine, under a clock of its own.

Themes that are not scheduling have their tests where their parts are:
- zombies and PID 1 (aptible/supercronic#88, #171, PR#172; apscheduler#414): tests/executor
- broken process pools (apscheduler#362, #1067; temporalio/sdk-python#245): there is none, each run
  has a process of its own; what a process does to itself is in tests/executor/test_deaths.py
- lost output and lost log lines of several processes (mcuadros/ofelia#82, gjcarneiro/yacron#56,
  galaxyproject/galaxy#14625, jruere/multiprocessing-logging#10): tests/log
- secrets in logs (supercronic#53): tests/log, tests/loader
- damaged stores (celery/celery#346, #8008; jhuckaby/Cronicle#143): tests/store; what a store that
  cannot be written does to scheduling is here
- a liveness probe (celery/celery#4079), several daemons on one store (celery#1495): tests/daemon
- pages for the browser (apscheduler#609, procrastinate's "web portal"): what its buttons do is here
- abandonment (Miksus/rocketry#219, apscheduler#465): no test can help
"""
