"""The hand-made signer itself: it must agree with what real clients sent (tests/data/sigv4/captured.json)."""

import json
from urllib.parse import parse_qsl

import pytest
from raw import canonical_request, digest, mac, signing_key, string_to_sign
from server import ROOT

CAPTURED = json.loads((ROOT / "tests/data/sigv4/captured.json").read_text())


@pytest.mark.parametrize("request_", CAPTURED, ids=[f"capture-{number}" for number in range(len(CAPTURED))])
def test_the_signer_agrees_with_real_clients(request_):
    headers = {name.lower(): value for name, value in request_["headers"]}
    path, _, query = request_["target"].partition("?")
    members = dict(parse_qsl(query, keep_blank_values=True))
    if "authorization" in headers:
        parts = dict(part.strip().split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
        credential, signed, stamp = parts["Credential"], parts["SignedHeaders"], headers["x-amz-date"]
    else:
        credential, signed, stamp = (members[f"X-Amz-{name}"] for name in ("Credential", "SignedHeaders", "Date"))
    query = [(name, value) for name, value in members.items() if name != "X-Amz-Signature"]

    canonical = canonical_request(request_["method"], path, query, headers, signed.split(";"),
                                  digest((request_["body"] or "").encode()))
    assert canonical == request_["canonical_request"]
    _, date, region, service, _ = credential.split("/")
    text = string_to_sign(stamp, f"{date}/{region}/{service}/aws4_request", canonical)
    assert text == request_["string_to_sign"]
    key = signing_key(request_["secret_access_key"], date, region, service)
    assert mac(key, text).hex() == request_["signature"]
