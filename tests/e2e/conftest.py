"""Fixtures: a running Sealwright (shared or of the test's own) and the three AWS clients."""

import os
import uuid

import clients
import pytest
import server
import templates
from server import Sealwright


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.session.sealwright_failed = True
        for running in server.living:
            report.sections.append((f"logs of {running.top}", running.log_tail()))


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        templates.begin()


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        templates.end()


def close(running, request):
    failed = getattr(request.session, "sealwright_failed", False)
    running.close(keep=bool(os.environ.get("KEEP")) and failed)


@pytest.fixture(scope="session")
def shared(request):
    """One server and agent for all tests of this worker that leave it as they found it. Two regions."""
    running = Sealwright(regions=("us-east-1", "eu-central-1"))
    try:
        yield running.start()
    finally:
        close(running, request)


@pytest.fixture
def make_sealwright(request):
    """Makes servers of the test's own: make_sealwright(regions=..., workers=...), not started yet."""
    made = []

    def make(**options):
        made.append(Sealwright(**options))
        return made[-1]

    try:
        yield make
    finally:
        for running in made:
            close(running, request)


@pytest.fixture
def own(make_sealwright):
    """A started server and agent of the test's own."""
    return make_sealwright().start()


@pytest.fixture(params=list(clients.ALL))
def client(request, shared):
    """Each of the three clients against the shared server."""
    made = clients.ALL[request.param](shared)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def javascript(shared):
    """The quickest of the clients, for tests that are not about clients."""
    made = clients.JavaScript(shared)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def identifier():
    """A DB instance identifier that no other test has."""
    return "t" + uuid.uuid4().hex[:12]
