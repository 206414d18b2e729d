"""The engines' pages in docs/: what a reader would type there is typed here, in a folder of its own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import clients
import engines
import pytest
from postgres import PASSWORD, create, delete, until_gone, until_status
from server import PATIENCE, ROOT, Sealwright

# ```sh run ... ``` is run, ```LANGUAGE file=NAME ... ``` is written into the folder first.
BLOCK = re.compile(r"^```(\w+) (run|file=(\S+))\n(.*?)^```$", re.M | re.S)

PAGES = ["postgres", "mariadb", "mysql"]  # each of the engine of its name


@pytest.fixture(scope="module")
def world():
    running = Sealwright()
    try:
        engines.ALL["mysql"].prepare(running)
        yield running.start()
    finally:
        running.close()


def blocks(page):
    text = (ROOT / "docs" / f"{page}.md").read_text()
    return [(name, content) for _, _, name, content in BLOCK.findall(text)]


@pytest.fixture(params=PAGES)
def page(request, world, tmp_path):
    """A page, its instance "orders" available, an empty folder."""
    engines.usable(engines.ALL[request.param])
    for name, content in blocks(request.param):
        if name:
            (tmp_path / name).write_text(content)
    (tmp_path / "node_modules").symlink_to(Path(__file__).parent / "node_modules")
    client = clients.JavaScript(world)
    try:
        create(client, "orders", Engine=request.param)
        until_status(client, "orders", "available")
        yield request.param, tmp_path
        delete(client, "orders")
        until_gone(client, "orders")
    finally:
        client.close()
    shutil.rmtree(tmp_path)


@pytest.mark.slow
def test_every_command_of_a_page_connects(page, world):
    name, folder = page
    path = os.pathsep.join([*([engines.mysql_folder()[0]] if name == "mysql" else []), "/usr/bin", "/bin", os.environ["PATH"]])
    environment = world.environment(PGPASSWORD=PASSWORD, MYSQL_PWD=PASSWORD, PASSWORD=PASSWORD, PATH=path)
    commands = [content for written, content in blocks(name) if not written]
    assert len(commands) > 2
    for command in commands:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, text=True,
                              capture_output=True, timeout=120 * PATIENCE, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}\nstatus {done.returncode}\n{done.stdout}{done.stderr}"
        if command is not commands[0]:
            assert "TLSv1." in done.stdout, f"{command}\nprinted {done.stdout!r}"
