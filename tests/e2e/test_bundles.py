"""The trust store: every address of the user guide, every format, and how it is cached."""

import base64
import hashlib
import json
import os
import re
import ssl
import subprocess
import time

import pytest
from regions import AUTHORITIES, AWS, GOVCLOUD, GOVCLOUD_HOST
from server import PATIENCE, eventually

pytestmark = pytest.mark.slow

# (host or None for the endpoint's own, path without extension): 27 regions and a global, 2 regions and a global.
BUNDLES = [(None, "/global/global-bundle"), *((None, f"/{name}/{name}-bundle") for name in AWS),
           (GOVCLOUD_HOST, "/global/global-bundle"), *((GOVCLOUD_HOST, f"/{name}/{name}-bundle") for name in GOVCLOUD)]
KEYS_DEADLINE = 600  # an RSA 4096 key takes seconds, and there are 58 of them


@pytest.fixture(scope="module")
def world(request):
    """A server with all regions of both partitions, their keys made."""
    from conftest import close
    from server import Sealwright

    running = Sealwright(regions=(*AWS, *GOVCLOUD))
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

KEY_AND_DIGEST = {"rds-ca-2019": ("2048", "sha256"), "rds-ca-rsa2048-g1": ("2048", "sha256"),
                  "rds-ca-rsa4096-g1": ("4096", "sha384"), "rds-ca-ecc384-g1": ("384", "SHA384")}


def create_everywhere(world):
    """An instance in each region under each CA; answers {identifier: (region, CA)}."""
    made = {}
    for region in (*AWS, *GOVCLOUD):
        sender = world.raw(region=region)
        for authority in AUTHORITIES:
            identifier = f"leaf-{region}-{authority}"
            reply = sender.call("CreateDBInstance", {
                "DBInstanceIdentifier": identifier, "Engine": "postgres", "DBInstanceClass": "db.t3.micro",
                "AllocatedStorage": "20", "MasterUsername": "app", "MasterUserPassword": "a-long-password",
                "CACertificateIdentifier": authority})
            assert reply.status == 200, reply.text
            made[identifier] = (region, authority)
    return made


def write_chain(folder, identifier, chain):
    """Files of the parts that a server shows, and of the root that a client has."""
    parts = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", chain, re.S)
    assert len(parts) == 3
    for part, pem in zip(("leaf", "subordinate", "root"), parts):
        (folder / f"{identifier}.{part}").write_text(pem)
    (folder / f"{identifier}.chain").write_text("".join(parts[:2]))
    return folder / identifier


def openssl_verifies(stem, name):
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name, "-no-CApath",
               "-no-CAstore", "-CAfile", f"{stem}.root", "-untrusted", f"{stem}.subordinate", f"{stem}.leaf"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def certtool_verifies(stem, name):
    command = ["certtool", "--verify", "--load-ca-certificate", f"{stem}.root", "--verify-hostname", name,
               "--verify-purpose", "1.3.6.1.5.5.7.3.1", "--infile", f"{stem}.chain"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def has_algorithms(stem, region, authority):
    """Key and signature of leaf, subordinate and root are those of the user guide's table."""
    bits, digest = KEY_AND_DIGEST[authority]
    if authority == "rds-ca-rsa2048-g1" and region in GOVCLOUD:
        digest = "sha384"
    for part in ("leaf", "subordinate", "root"):
        shown = subprocess.run(["openssl", "x509", "-in", f"{stem}.{part}", "-noout", "-text"], capture_output=True, text=True,
                               check=True).stdout
        assert f"({bits} bit" in shown, f"{stem}.{part}"
        assert re.search(rf"Signature Algorithm: .*{digest}", shown), f"{stem}.{part}"


def test_a_leaf_of_each_ca_in_each_region_verifies_in_openssl_gnutls_and_java(world, tmp_path, record_property):
    from host import Host

    host = Host(world, tmp_path)
    host.register()
    made = create_everywhere(world)
    desired = {each["identifier"]: each for each in host.desired()}
    replies = host.certificates([(desired[identifier], desired[identifier]["names"]) for identifier in made])
    counts = {"openssl": 0, "certtool": 0}
    for identifier, (region, authority) in made.items():
        reply = replies[desired[identifier]["resource_id"]]
        assert reply.get("chain"), reply
        stem = write_chain(tmp_path, identifier, reply["chain"])
        name = desired[identifier]["names"][0]
        has_algorithms(stem, region, authority)
        counts["openssl"] += openssl_verifies(stem, name)
        counts["certtool"] += certtool_verifies(stem, name)
        assert not openssl_verifies(stem, f"other.{region}.rds.localhost")
    java = subprocess.run(["java", os.path.join(os.path.dirname(__file__), "VerifyChains.java"), tmp_path], capture_output=True,
                          text=True, timeout=120 * PATIENCE, check=False)
    assert java.returncode == 0, java.stderr
    record_property("figures", f"{len(made)} chains (4 CAs x 29 regions) verified: openssl strict {counts['openssl']}, "
                    f"certtool {counts['certtool']}, Java {java.stdout.strip()}")
    assert len(made) == 116
    assert counts == {"openssl": 116, "certtool": 116}
    assert int(java.stdout) == 116

    # A host gets certificates for the names of its instances only.
    first = desired[next(iter(made))]
    refused = host.certificates([(first, ["other.us-west-2.rds.localhost"])])[first["resource_id"]]
    assert not refused.get("chain")
    assert "names" in refused["error"]
