"""The trust store: every address of the user guide, every format, how it is cached, and that it verifies what is issued.

The keys of all regions take minutes of CPU, so whatever needs them all is tested here.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import ssl
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from host import Host
from regions import AUTHORITIES, AWS, GOVCLOUD, GOVCLOUD_HOST
from server import PATIENCE, eventually

pytestmark = pytest.mark.slow

# (host or None for the endpoint's own, path without extension): each region and a global, of both partitions.
BUNDLES = [(None, "/global/global-bundle"), *((None, f"/{name}/{name}-bundle") for name in AWS),
           (GOVCLOUD_HOST, "/global/global-bundle"), *((GOVCLOUD_HOST, f"/{name}/{name}-bundle") for name in GOVCLOUD)]
KEYS_DEADLINE = 600  # an RSA 4096 key takes seconds, and each region has two of them


@pytest.fixture(scope="module")
def world(request):
    """A server with all regions of both partitions, their keys made."""
    from conftest import close
    from server import Sealwright

    running = Sealwright(regions=(*AWS, *GOVCLOUD), fresh=True)
    try:
        running.start("server")
        start = time.monotonic()
        for host in (None, GOVCLOUD_HOST):
            store = running.raw(server_name=host)
            eventually(lambda store=store: all_made(store), KEYS_DEADLINE, "the keys of all regions should be made", 1)
        print(f"the keys of all regions took {time.monotonic() - start:.0f} s")
        yield running
    finally:
        close(running, request)


def all_made(store):
    status = store.get("/global/global-bundle.pem").status
    assert status in (200, 503), status
    return status == 200


def fetch(world, host, path, **headers):
    reply = world.raw(server_name=host).get(path, **headers)
    assert reply.status == 200, f"{host} {path}: {reply.status} {reply.text[:300]}"
    return reply


def ders(pem):
    """The certificates of a PEM text as DER."""
    text = pem.decode() if isinstance(pem, bytes) else pem
    found = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S)
    return [ssl.PEM_cert_to_DER_cert(one) for one in found]


def tool(*command, **options):
    done = subprocess.run(command, capture_output=True, timeout=60 * PATIENCE, check=False, **options)
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}{done.stdout.decode()[:500]}"
    return done.stdout.decode()


@pytest.mark.parametrize("host,path", BUNDLES, ids=[f"{host or 'aws'}{path}" for host, path in BUNDLES])
def test_all_formats_hold_the_same_certificates(world, tmp_path, host, path):
    expected = ders(fetch(world, host, path + ".pem").body)
    regions = 1 if "/global/" not in path else len(GOVCLOUD if host else AWS)
    # Roots and subordinates of three CAs a region; of the fourth a subordinate a region and a root a partition.
    assert len(expected) == len(set(expected))
    assert len(expected) >= regions * 7 + 1

    for extension in ("p7b", "jks", "p12"):
        (tmp_path / extension).write_bytes(fetch(world, host, f"{path}.{extension}").body)
    pkcs7 = tool("openssl", "pkcs7", "-in", tmp_path / "p7b", "-print_certs")
    assert sorted(ders(pkcs7)) == sorted(expected)
    for extension in ("jks", "p12"):
        # keytool lists as trusted entries those that Java trusts.
        listed = tool("keytool", "-list", "-rfc", "-keystore", tmp_path / extension, "-storepass", "changeit",
                      env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        assert listed.count("trustedCertEntry") == len(expected)
        assert sorted(ders(listed)) == sorted(expected)
    pkcs12 = tool("openssl", "pkcs12", "-in", tmp_path / "p12", "-nokeys", "-passin", "pass:changeit")
    assert sorted(ders(pkcs12)) == sorted(expected)


@pytest.mark.parametrize("host,path", [(None, "/global/global-bundle.pem"), (GOVCLOUD_HOST, "/global/global-bundle.pem")])
def test_a_bundle_is_plain_pem(world, host, path):
    reply = fetch(world, host, path)
    lines = reply.text.splitlines()
    assert reply.body.endswith(b"-----END CERTIFICATE-----\n")
    assert b"\r" not in reply.body
    assert all(line.startswith("-----") or len(line) <= 64 for line in lines)
    assert set(line for line in lines if line.startswith("-----")) == {"-----BEGIN CERTIFICATE-----",
                                                                       "-----END CERTIFICATE-----"}


@pytest.mark.parametrize("host,names", [(None, AWS), (GOVCLOUD_HOST, GOVCLOUD)], ids=["aws", "govcloud"])
def test_the_global_bundle_is_the_sum_of_its_regions(world, host, names):
    whole = set(ders(fetch(world, host, "/global/global-bundle.pem").body))
    parts = set()
    for name in names:
        parts |= set(ders(fetch(world, host, f"/{name}/{name}-bundle.pem").body))
    assert parts == whole


def test_partitions_do_not_trust_each_other(world):
    assert not set(ders(fetch(world, None, "/global/global-bundle.pem").body)) & set(
        ders(fetch(world, GOVCLOUD_HOST, "/global/global-bundle.pem").body))
    for host, name in ((None, "us-gov-west-1"), (GOVCLOUD_HOST, "us-east-1")):
        assert world.raw(server_name=host).get(f"/{name}/{name}-bundle.pem").status == 404


@pytest.mark.parametrize("name", [AWS[0], AWS[-1], *GOVCLOUD])
@pytest.mark.parametrize("authority", AUTHORITIES)
def test_a_file_of_one_authority_holds_its_root_alone(world, tmp_path, name, authority):
    host = GOVCLOUD_HOST if name in GOVCLOUD else None
    roots = ders(fetch(world, host, f"/{name}/{name}-{authority}.pem").body)
    assert len(roots) == 1
    assert roots[0] in ders(fetch(world, host, f"/{name}/{name}-bundle.pem").body)
    shown = openssl_text(tmp_path, roots[0])
    subject, issuer = (re.search(rf"^{what}=(.*)$", shown, re.M).group(1) for what in ("subject", "issuer"))
    assert subject == issuer
    key, signature = algorithms(name, authority)
    assert key in shown
    assert f"Signature Algorithm: {signature}" in shown


def openssl_text(folder, der):
    (folder / "one.der").write_bytes(der)
    return tool("openssl", "x509", "-inform", "DER", "-in", folder / "one.der", "-noout", "-text", "-subject", "-issuer")


def algorithms(region, authority):
    """The key and the signature of a CA, as `openssl x509 -text` writes them."""
    if authority == "rds-ca-rsa4096-g1":
        return "Public-Key: (4096 bit)", "sha384WithRSAEncryption"
    if authority == "rds-ca-ecc384-g1":
        return "NIST CURVE: P-384", "ecdsa-with-SHA384"
    if authority == "rds-ca-rsa2048-g1" and region in GOVCLOUD:
        return "Public-Key: (2048 bit)", "sha384WithRSAEncryption"
    return "Public-Key: (2048 bit)", "sha256WithRSAEncryption"


@pytest.mark.parametrize("path", ["/global", f"/{AWS[0]}"])
def test_the_index_tells_what_is_in_the_bundle(world, path):
    index = json.loads(fetch(world, None, f"{path}/index.json").body)
    name = path.strip("/")
    bundle = fetch(world, None, f"{path}/{name}-bundle.pem")
    text = json.dumps(index)
    assert hashlib.sha256(bundle.body).hexdigest() in text
    for der in ders(bundle.body):
        assert hashlib.sha256(der).hexdigest() in text.replace(":", "").lower()
    assert len(index["certificates"]) == len(ders(bundle.body))


def test_conditional_requests_save_the_transfer(world):
    path = "/us-east-1/us-east-1-bundle.pem"
    reply = fetch(world, None, path)
    tag, changed = reply.headers["etag"], reply.headers["last-modified"]
    assert re.fullmatch(r'(W/)?"[^"]+"', tag)
    store = world.raw()
    for headers in ({"if_none_match": tag}, {"if_none_match": f'"other", {tag}'}, {"if_none_match": "*"},
                    {"if_modified_since": changed}):
        again = store.get(path, **headers)
        assert (again.status, again.body) == (304, b""), headers
        assert again.headers["etag"] == tag
    for headers in ({"if_none_match": '"other"'}, {"if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
                    {"if_modified_since": "yesterday"},
                    # RFC 9110 13.1.3: If-None-Match, when it is there, decides alone.
                    {"if_none_match": '"other"', "if_modified_since": changed}):
        assert store.get(path, **headers).status == 200, headers


@pytest.mark.parametrize("extension", ["pem", "p7b", "jks", "p12"])
def test_head_has_the_headers_of_get(world, extension):
    path = f"/us-east-1/us-east-1-bundle.{extension}"
    got = fetch(world, None, path)
    head = world.raw().get(path, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("etag", "last-modified", "content-type", "content-length"):
        assert head.headers[name] == got.headers[name]
    assert int(head.headers["content-length"]) == len(got.body)


@pytest.mark.parametrize("path", [
    "/xx-nowhere-1/xx-nowhere-1-bundle.pem", "/us-east-1/us-east-2-bundle.pem", "/us-east-1/us-east-1-bundle.zip",
    "/us-east-1/us-east-1-rds-ca-2099.pem", "/us-east-1/", "/global/", "/global", "/us-east-1/../sealwright.json",
    "/us-east-1/%2e%2e/sealwright.json", "/us-east-1/..%2fsealwright.json", "//etc/passwd", "/us-east-1/us-east-1-bundle.pem%00"])
def test_other_paths_are_not_there(world, path):
    reply = world.raw().get(path)
    assert reply.status in (400, 404), reply.status
    assert b"CERTIFICATE" not in reply.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_change_nothing(world, method):
    reply = world.raw().get("/us-east-1/us-east-1-bundle.pem", method=method)
    assert 400 <= reply.status < 502
    assert b"BEGIN CERTIFICATE" not in reply.body


def test_plain_http_gets_no_certificate(world):
    store = world.raw()
    request = f"GET /global/global-bundle.pem HTTP/1.1\r\nHost: localhost:{world.port}\r\nConnection: close\r\n\r\n"
    answer = store.transmit_bytes(request.encode(), tls=False)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"https" in answer.lower()
    assert b"CERTIFICATE" not in answer


def test_a_p7b_is_armoured(world):
    text = fetch(world, None, "/us-east-1/us-east-1-bundle.p7b").text
    body = re.fullmatch(r"-----BEGIN PKCS7-----\n(.*)-----END PKCS7-----\n", text, re.S).group(1)
    assert base64.b64decode(body)[0] == 0x30


# -- leaves ---------------------------------------------------------------------------------------------------------------

PLACES = [(region, authority) for region in (*AWS, *GOVCLOUD) for authority in AUTHORITIES]


@dataclass
class Leaf:
    """A server certificate, and the folder of its chain.pem, the parts of that, its names, and as root.pem what the trust
    store publishes."""

    label: str
    region: str
    authority: str
    name: str
    folder: Path


@pytest.fixture(scope="module")
def database_host(world, tmp_path_factory):
    """A database host with an instance of each CA in each region."""
    made = Host(world, tmp_path_factory.mktemp("host"))
    made.register()
    for region, authority in PLACES:
        reply = world.raw(region=region).call("CreateDBInstance", {
            "DBInstanceIdentifier": f"leaf-{authority.removeprefix('rds-ca-')}", "Engine": "postgres",
            "DBInstanceClass": "db.t3.micro", "AllocatedStorage": "20", "MasterUsername": "app",
            "MasterUserPassword": "a-long-password", "CACertificateIdentifier": authority})
        assert reply.status == 200, f"{region} {authority}: {reply.status} {reply.text}"
    return made


@pytest.fixture(scope="module")
def desired(database_host):
    """{(region, CA): what the server wants of its instance}"""
    return {(each["region"], each["ca_identifier"]): each for each in database_host.desired()}


@pytest.fixture(scope="module")
def leaves(world, database_host, desired, tmp_path_factory):
    """The leaves of all CAs in all regions."""
    folder = tmp_path_factory.mktemp("leaves")
    replies = database_host.certificates([(desired[place], desired[place]["names"]) for place in PLACES])
    return [lay_out(folder, desired[place], replies[desired[place]["resource_id"]], published_root(world, *place))
            for place in PLACES]


def published_root(world, region, authority):
    host = GOVCLOUD_HOST if region in GOVCLOUD else None
    return fetch(world, host, f"/{region}/{region}-{authority}.pem").text


def lay_out(folder, instance, reply, root):
    assert reply.get("chain"), reply
    region, authority, names = instance["region"], instance["ca_identifier"], instance["names"]
    parts = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", reply["chain"], re.S)
    server, subordinate, sent_root = parts
    target = folder / f"{region}.{authority}"
    target.mkdir()
    for name, text in {"server.pem": server, "subordinate.pem": subordinate, "sent-root.pem": sent_root, "root.pem": root,
                       "chain.pem": server + subordinate, "names": "\n".join(names) + "\n"}.items():
        (target / name).write_text(text)
    return Leaf(target.name, region, authority, names[0], target)


def openssl_verifies(leaf, name=None):
    return succeeds("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name or leaf.name,
                    "-no-CApath", "-no-CAstore", "-CAfile", leaf.folder / "root.pem",
                    "-untrusted", leaf.folder / "subordinate.pem", leaf.folder / "server.pem")


def certtool_verifies(leaf, name=None):
    return succeeds("certtool", "--verify", "--load-ca-certificate", leaf.folder / "root.pem",
                    "--verify-hostname", name or leaf.name, "--verify-purpose", "1.3.6.1.5.5.7.3.1",
                    "--infile", leaf.folder / "chain.pem")


def succeeds(*command):
    return subprocess.run(command, capture_output=True, timeout=60 * PATIENCE, check=False).returncode == 0


def java_verified(folder):
    """The labels of the leaves in a folder that Java verifies, and of those it refuses; one JVM for all of them."""
    listed = tool("java", Path(__file__).with_name("VerifyChains.java"), folder).splitlines()
    refused = {line.split()[1].rstrip(":") for line in listed if line.startswith("refused ")}
    return {line.split()[1] for line in listed if line.startswith("verified ")}, refused


@pytest.fixture
def java():
    if not shutil.which("javac"):
        pytest.skip("NOT VERIFIED WITH JAVA: there is no JDK (scripts/install-packages check installs one)")


@pytest.fixture
def tell(capsys, record_property):
    """Says a figure on the terminal and in the report."""
    def say(text):
        record_property("figures", text)
        with capsys.disabled():
            print(f"\n{text}")

    return say


def test_there_is_a_leaf_of_each_authority_in_each_region(leaves):
    assert len(leaves) == len({leaf.name for leaf in leaves}) == len(AUTHORITIES) * len(AWS + GOVCLOUD)


def test_openssl_verifies_the_leaves(leaves, tell):
    assert not [leaf.label for leaf in leaves if not openssl_verifies(leaf)]
    tell(f"{len(leaves)} chains: openssl strict {len(leaves)}")


def test_certtool_verifies_the_leaves(leaves, tell):
    assert not [leaf.label for leaf in leaves if not certtool_verifies(leaf)]
    tell(f"{len(leaves)} chains: certtool {len(leaves)}")


def test_java_verifies_the_leaves(java, leaves, tell):
    verified, refused = java_verified(leaves[0].folder.parent)
    assert (verified, refused) == ({leaf.label for leaf in leaves}, set())
    tell(f"{len(leaves)} chains: java {len(verified)}")


def test_openssl_and_certtool_refuse_another_name(leaves):
    for verifies in (openssl_verifies, certtool_verifies):
        assert not [leaf.label for leaf in leaves if verifies(leaf, f"other.{leaf.region}.rds.localhost")]


def test_java_refuses_another_name(java, leaves, tmp_path):
    for leaf in leaves[:len(AUTHORITIES)]:
        shutil.copytree(leaf.folder, tmp_path / leaf.label)
        (tmp_path / leaf.label / "names").write_text(f"other.{leaf.region}.rds.localhost\n")
    assert java_verified(tmp_path) == (set(), {leaf.label for leaf in leaves[:len(AUTHORITIES)]})


@pytest.fixture
def misplaced(world, leaves, tmp_path):
    """The leaves of a region beside the roots of another partition."""
    found = [leaf for leaf in leaves if leaf.region == AWS[0]]
    for leaf in found:
        shutil.copytree(leaf.folder, tmp_path / leaf.label)
        (tmp_path / leaf.label / "root.pem").write_text(published_root(world, GOVCLOUD[0], leaf.authority))
    return [replace(leaf, folder=tmp_path / leaf.label) for leaf in found]


def test_openssl_and_certtool_refuse_the_roots_of_another_partition(misplaced):
    assert len(misplaced) == len(AUTHORITIES)
    for verifies in (openssl_verifies, certtool_verifies):
        assert not [leaf.label for leaf in misplaced if verifies(leaf)]


def test_java_refuses_the_roots_of_another_partition(java, misplaced):
    assert java_verified(misplaced[0].folder.parent) == (set(), {leaf.label for leaf in misplaced})


def test_the_root_of_a_chain_is_the_published_one(leaves):
    assert not [leaf.label for leaf in leaves if ders((leaf.folder / "sent-root.pem").read_bytes()) !=
                ders((leaf.folder / "root.pem").read_bytes())]


def test_the_algorithms_of_a_chain_are_those_of_its_authority(leaves):
    for leaf in leaves:
        key, signature = algorithms(leaf.region, leaf.authority)
        for part in ("server", "subordinate", "root"):
            shown = tool("openssl", "x509", "-in", leaf.folder / f"{part}.pem", "-noout", "-text")
            assert key in shown, f"{leaf.label} {part}"
            assert set(re.findall(r"Signature Algorithm: (\S+)", shown)) == {signature}, f"{leaf.label} {part}"


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_a_leaf_for_the_names_of_another_region_is_refused(database_host, desired, authority):
    own, foreign = desired[AWS[0], authority], desired[GOVCLOUD[0], authority]
    for names in (foreign["names"], [*own["names"], foreign["names"][0]]):
        reply = database_host.certificates([(own, names)])[own["resource_id"]]
        assert not reply.get("chain")
        assert "names are not those of instance" in reply["error"]
        assert not reply.get("retry")
