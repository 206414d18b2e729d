"""How the server serves the web console's files: addresses, headers, caching; and what there is without them."""

import gzip
import json
import os
import re
import shutil
import subprocess

import pytest
from browser import CONSOLE, build_console
from fleet import configure
from server import PATIENCE, ROOT


@pytest.fixture(scope="module", autouse=True)
def built():
    build_console()


@pytest.fixture
def get(shared):
    return shared.raw().get


def asset(get, suffix):
    """The address of a file that the page names."""
    page = get("/console/").text
    return re.search(rf'"(/console/assets/[^"]+\.{suffix})"', page).group(1)


def test_the_page_and_its_files_have_types_and_a_strict_policy(get):
    for path, kind in (("/console/", "text/html; charset=utf-8"), ("/console/index.html", "text/html; charset=utf-8"),
                       ("/console/icon.svg", "image/svg+xml"), (asset(get, "js"), "text/javascript; charset=utf-8"),
                       (asset(get, "css"), "text/css; charset=utf-8")):
        reply = get(path)
        assert (reply.status, reply.headers["content-type"]) == (200, kind)
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
        assert policy["connect-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in reply.headers["content-security-policy"]
    assert "<script>" not in get("/console/").text and "style=" not in get("/console/").text


def test_files_are_cached_by_their_digest(get):
    page, script = get("/console/"), get(asset(get, "js"))
    assert page.headers["cache-control"] == "no-cache"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path, reply in (("/console/", page), (asset(get, "js"), script)):
        tag = reply.headers["etag"]
        again = get(path, if_none_match=tag)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert get(path, if_none_match='"other"').status == 200
        assert get(path, if_modified_since="Mon, 30 Nov 2026 20:00:00 GMT").status == 200


def test_clients_that_take_gzip_get_it(get):
    path = asset(get, "js")
    plain, packed = get(path), get(path, accept_encoding="br, gzip;q=0.8")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "content-encoding" not in get(path, accept_encoding="gzip;q=0").headers


def test_head_has_the_headers_alone_and_nothing_is_written(get):
    whole, head = get("/console/"), get("/console/", method="HEAD")
    assert head.status == 200 and head.body == b""
    assert head.headers["content-length"] == str(len(whole.body))
    for method in ("POST", "PUT", "DELETE"):
        reply = get("/console/", method=method)
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


def test_no_address_leaves_the_folder(get):
    for path in ("/console/../sealwright.json", "/console/..%2fsealwright.json", "/console/%2e%2e/sealwright.json",
                 "/console/assets/../../package.json", "/console/.sources", "/console/index.html.gz", "/console//etc/passwd",
                 "/console/assets/", "/console/nothing.js", "/console/package.json"):
        reply = get(path)
        assert reply.status == 404, path
        assert b"root:" not in reply.body and b"dependencies" not in reply.body


def test_a_link_in_the_folder_is_not_followed(make_sealwright):
    sealwright = make_sealwright()
    folder = sealwright.top / "console"
    shutil.copytree(CONSOLE, folder)
    (sealwright.top / "secret.html").write_text("secret")
    (folder / "link.html").symlink_to(sealwright.top / "secret.html")
    configure(sealwright, console_folder=str(folder))
    sealwright.start("server")
    assert sealwright.raw().get("/console/").status == 200
    assert sealwright.raw().get("/console/link.html").status == 404
    # What is built anew is there at once.
    (folder / "new.html").write_text("new")
    assert sealwright.raw().get("/console/new.html").text == "new"


def test_a_browser_at_the_bare_address_is_sent_to_the_console(get, shared):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    reply = get("/", accept=accept)
    assert (reply.status, reply.headers["location"]) == (302, "/console/")
    assert get("/console").headers["location"] == "/console/"
    # An API client is not, whatever it accepts.
    assert get("/").code == "MissingAuthenticationToken"
    assert shared.raw().call("DescribeCertificates", headers={"accept": accept}).status == 200
    assert shared.raw().presigned("DescribeCertificates", headers={"accept": accept}).status == 200
    assert get("/?Action=DescribeCertificates", accept=accept).status != 302


def test_the_regions_are_public(get):
    index = json.loads(get("/index.json").body)
    assert index["home_region"] == "us-east-1"
    assert [(region["name"], region["partition"], region["index"]) for region in index["regions"]] == [
        ("us-east-1", "aws", "/aws/us-east-1/index.json"), ("eu-central-1", "aws", "/aws/eu-central-1/index.json")]
    assert index["regions"][0]["title"] == "US East (N. Virginia)"
    tag = get("/index.json").headers["etag"]
    assert get("/index.json", if_none_match=tag).status == 304


def test_without_the_files_the_page_says_so_and_the_api_answers(make_sealwright):
    sealwright = make_sealwright()
    configure(sealwright, console_folder=str(sealwright.top / "nothing"))
    sealwright.start("server")
    reply = sealwright.raw().get("/console/")
    assert (reply.status, reply.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert "Node.js" in reply.text and "not built" in reply.text
    assert sealwright.raw().call("DescribeCertificates").status == 200


def test_up_says_where_it_is(make_sealwright):
    sealwright = make_sealwright()
    said = sealwright.command("up")
    try:
        address = re.search(r"https://localhost:\d+/console/", said).group(0)
        assert address == f"{sealwright.endpoint}/console/"
        assert "<div id=\"root\">" in sealwright.raw().get("/console/").text
    finally:
        sealwright.command("down")


def test_without_node_the_build_says_what_to_install_and_goes_on(tmp_path):
    """On a machine that has all but Node.js: a PATH with what the script needs, and nothing else."""
    for name in ("bash", "dirname", "sed", "cut", "cat", "find", "sort", "xargs", "sha256sum"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run([ROOT / "scripts/build-console"], env={"PATH": str(tmp_path), "HOME": os.environ["HOME"]}, check=False,
                          capture_output=True, text=True, timeout=60 * PATIENCE)
    assert done.returncode == 0
    assert "Node.js 18" in done.stderr and "scripts/install-packages console" in done.stderr
