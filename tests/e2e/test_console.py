"""The web console as its users see it: what they do there, and what becomes of it on the wire."""

import base64
import hashlib
import os
import subprocess

import pytest
from browser import browser_for, build_console
from fleet import call, configure, create_all, described
from postgres import PASSWORD, served
from server import PATIENCE, eventually

MANY = 20
NAVIGATION = "nav[aria-label=Console][aria-hidden=false]"
OLD, NEW = "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"


@pytest.fixture(scope="module", autouse=True)
def built():
    build_console()


@pytest.fixture
def browser(own):
    with browser_for(own) as opened:
        yield opened


def in_shell(sealwright, command, folder, **environment):
    """What somebody gets who types a command from the page after `. run/env.sh`."""
    done = subprocess.run(["bash", "-c", command], env=sealwright.environment(**environment), cwd=folder, capture_output=True,
                          text=True, timeout=60 * PATIENCE, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def fill_in_create(browser, identifier, authority):
    browser.click("link", "Create database")
    browser.choose("Engine", "PostgreSQL")
    browser.fill("DB instance identifier", identifier)
    browser.fill("Master password", PASSWORD)
    browser.fill("Confirm master password", PASSWORD)
    browser.choose("Certificate authority", authority)
    browser.click("button", "Create database")


def test_create_connect_by_what_the_page_says_and_change_the_ca(own, browser):
    browser.sign_in()
    browser.sees("No databases")
    fill_in_create(browser, "orders", NEW)
    browser.sees("Creating database orders")
    browser.until(lambda: "Available" in browser.row_text("orders"), 60, "the new database should become available")
    assert NEW in browser.row_text("orders")

    browser.click("link", "orders")
    browser.sees("Certificate chain")
    assert browser.value("Certificate authority") == NEW
    in_shell(own, browser.text("[data-command=bundle]"), own.top)
    psql = browser.text("[data-command=psql]")
    assert "verify-full" in psql
    said = in_shell(own, psql + " -XAtc 'select 6 * 7'", own.top, PGPASSWORD=PASSWORD)
    assert said.strip() == "42"

    browser.click("link", "Modify")
    browser.choose("Certificate authority", OLD)
    browser.click("button", "Continue")
    browser.sees("Summary of modifications")
    changes = browser.row_text("Certificate authority")
    assert NEW in changes and OLD in changes
    browser.check("Apply immediately")
    browser.click("button", "Modify DB instance")
    browser.until(lambda: browser.value("Certificate authority") == OLD, 60, "the page should show the new CA")
    browser.until(lambda: "Pending" not in browser.value("Pending certificate authority"), 30, "nothing should be pending")
    instance = described(own, "orders")
    bundle = own.top / "us-east-1-bundle.pem"
    wire = served(instance, bundle)
    assert "RSA2048" in wire["issuer"]["commonName"]
    browser.until(lambda: wire["serialNumber"].lower().lstrip("0") in browser.text(".chain").replace("\n", "").lower(), 30,
                  lambda: f"the page should show the serial {wire['serialNumber']}: {browser.text('.chain')}")
    # The chain on the page is the one in the bundle, by fingerprints.
    chain = browser.text(".chain")
    der = subprocess.run(["openssl", "s_client", "-starttls", "postgres", "-connect",
                          f"{instance['Endpoint']['Address']}:{instance['Endpoint']['Port']}", "-showcerts"],
                         input=b"", capture_output=True, timeout=60 * PATIENCE, check=False).stdout
    fingerprints = [fingerprint(pem) for pem in certificates(der.decode())]
    assert len(fingerprints) >= 2
    assert fingerprints[0] in chain and fingerprints[1] in chain

    browser.go("#/databases/us-east-1/orders/events")
    browser.sees(f"it is issued by {OLD}")
    secret = own.environment()["AWS_SECRET_ACCESS_KEY"]
    assert_keeps_secrets(browser, secret, PASSWORD)
    assert secret not in own.log("server") and PASSWORD not in own.log("server")


def certificates(text):
    return [part.split("-----END CERTIFICATE-----")[0] for part in text.split("-----BEGIN CERTIFICATE-----")[1:]]


def fingerprint(pem):
    digest = hashlib.sha256(base64.b64decode(pem)).hexdigest().upper()
    return ":".join(digest[at:at + 2] for at in range(0, 64, 2))


def assert_keeps_secrets(browser, *secrets):
    """Neither in an address nor on the console nor where it would outlive the tab."""
    seen = browser.seen()
    kept = browser.evaluate("JSON.stringify({ ...localStorage }) + document.cookie")
    for secret in secrets:
        assert not [request["url"] for request in seen["requests"] if secret in request["url"]]
        assert not [line for line in seen["console"] if secret in line]
        assert secret not in kept
    access_key = browser.sealwright.environment()["AWS_ACCESS_KEY_ID"]
    assert not [request["url"] for request in seen["requests"] if access_key in request["url"]]
    assert access_key not in kept


def test_a_change_in_the_window_waits_and_is_shown_as_pending(own, browser):
    create_all(own, 1, [OLD])
    browser.sign_in(path="/console/#/databases/us-east-1/fleet-0/modify")
    browser.choose("Certificate authority", NEW)
    browser.click("button", "Continue")
    browser.click("button", "Modify DB instance")
    browser.until(lambda: browser.value("Pending certificate authority") == NEW, 30, "the change should be pending")
    assert browser.value("Certificate authority") == OLD
    browser.click("tab", "Maintenance")
    browser.sees("Pending modifications")
    assert NEW in browser.row_text("Certificate authority")
    assert described(own, "fleet-0")["PendingCA"] == NEW


def test_a_database_is_stopped_started_and_deleted(own, browser):
    create_all(own, 1, [OLD])
    browser.sign_in(path="/console/#/databases/us-east-1/fleet-0")
    for action, status in (("Stop", "Stopped"), ("Start", "Available")):
        browser.click("button", "Actions")
        browser.click("menuitem", action)
        browser.click_in("dialog", "button", action)
        browser.until(lambda: browser.value("Status") == status, 60, f"it should be {status}")
    browser.click("button", "Actions")
    browser.click("menuitem", "Delete")
    browser.sees("all its data are removed")
    browser.fill("To confirm, type: delete me", "delete me")
    browser.click_in("dialog", "button", "Delete")
    browser.sees("No databases")
    assert "<DBInstance>" not in call(own, "DescribeDBInstances").text


@pytest.mark.slow
def test_twenty_certificates_are_updated_at_once(make_sealwright):
    sealwright = make_sealwright()
    configure(sealwright, guard_seconds=1)
    sealwright.start()
    instances = create_all(sealwright, MANY, ["rds-ca-2019"])
    sealwright.stop()
    configure(sealwright, retiring_certificate_authorities=["rds-ca-2019"])
    sealwright.start()
    eventually(lambda: call(sealwright, "DescribePendingMaintenanceActions").text.count("<Action>") == MANY, 60,
               "each should have a pending action")
    bundle = sealwright.download("/us-east-1/us-east-1-bundle.pem")
    before = {each["DBInstanceIdentifier"]: served(each, bundle)["serialNumber"] for each in instances}
    with browser_for(sealwright) as browser:
        browser.sign_in()
        browser.until(lambda: f"Certificate update{MANY}" in browser.text(NAVIGATION).replace("\n", ""), 60, lambda: f"the badge should count {MANY}: {browser.text(NAVIGATION)}")
        browser.go("#/certificate-update/us-east-1")
        browser.sees("rds-ca-2019 is being retired")
        browser.click("button", f"Select all {MANY}")
        browser.click("button", "Apply now")
        browser.sees("I have updated the trust stores of my clients")
        assert browser.evaluate("[...document.querySelectorAll('[role=dialog] button')].find((each) => each.textContent === 'Apply now')"
                                "?.getAttribute('aria-disabled') ?? 'disabled'") in ("true", "disabled")
        browser.check("I have updated the trust stores of my clients")
        browser.click_in("dialog", "button", "Apply now")
        browser.sees(f"of {MANY}")
        browser.until(lambda: browser.shows(f"All {MANY} done"), 120, "all should be rotated")
        browser.until(lambda: browser.shows("No database requires a certificate update"), 60, "nothing should be left to do")
    for instance in instances:
        wire = served(instance, bundle)
        assert wire["serialNumber"] != before[instance["DBInstanceIdentifier"]]
        assert "RSA2048" in wire["issuer"]["commonName"]


def test_the_default_is_overridden_and_the_bundle_verifies(own, browser):
    instance = create_all(own, 1, [NEW])[0]
    browser.sign_in(path="/console/#/certificates/us-east-1")
    browser.until(lambda: "Default" in browser.row_text(OLD), 60, "the default should be marked")
    browser.pick_row(NEW)
    browser.click("button", "Make it the default")
    browser.sees(f"Make {NEW} the default?")
    browser.click_in("dialog", "button", "Make it the default")
    browser.until(lambda: "Override" in browser.row_text(NEW), 30, "the override should be marked")
    assert f"<DefaultCertificateForNewLaunches>{NEW}<" in call(own, "DescribeCertificates").text
    browser.go("#/create/us-east-1")
    browser.until(lambda: f"{NEW} (default)" in browser.options("Certificate authority")[0] or
                  any(f"{NEW} (default)" in option for option in browser.options("Certificate authority")), 30,
                  "the form should offer the new default")
    browser.go("#/certificates/us-east-1")
    browser.click("button", "Remove override")
    browser.until(lambda: "Default" in browser.row_text(OLD), 30, "RDS's default should be back")

    browser.until(lambda: len(browser.row_text("us-east-1-bundle.pem").split()[-1]) == 64, 60, "the digest should be shown")
    for suffix in ("pem", "p7b"):
        target = own.top / f"browser.{suffix}"
        assert browser.download(f"us-east-1-bundle.{suffix}", str(target)) == f"us-east-1-bundle.{suffix}"
        assert hashlib.sha256(target.read_bytes()).hexdigest() in browser.row_text(f"us-east-1-bundle.{suffix}")
    assert served(instance, own.top / "browser.pem")["subject"]["commonName"] == instance["Endpoint"]["Address"]
    printed = subprocess.run(["openssl", "pkcs7", "-print_certs", "-in", own.top / "browser.p7b"], capture_output=True, text=True,
                             check=True, timeout=60 * PATIENCE).stdout
    assert printed.count("BEGIN CERTIFICATE") == (own.top / "browser.pem").read_text().count("BEGIN CERTIFICATE")


def test_a_read_only_key_sees_no_way_to_change_and_is_refused(own):
    create_all(own, 1, [OLD])
    key = own.access_key("--read-only")
    with browser_for(own) as browser:
        browser.sign_in(key)
        browser.until(lambda: "Available" in browser.row_text("fleet-0"), 30, "it may look")
        pages = {"databases": "fleet-0", "databases/us-east-1/fleet-0": "Certificate chain", "databases/us-east-1/fleet-0/tags": "No tags",
                 "databases/us-east-1/fleet-0/maintenance": "Pending maintenance", "certificate-update/us-east-1": "requiring certificate update",
                 "certificates/us-east-1": "Certificate authorities"}
        ways = ["Create database", "Modify", "Actions", "Manage tags", "Apply", "Apply now", "Schedule", "Make it the default"]
        for path, text in pages.items():
            browser.go(f"#/{path}")
            browser.sees(text)
            assert not [way for way in ways if browser.has_button(way)], path
            assert browser.count("[type=checkbox]") == 0, path
        for path in ("create/us-east-1", "databases/us-east-1/fleet-0/modify"):
            browser.go(f"#/{path}")
            browser.sees("This access key is read-only")
            assert browser.count("form") == 0
        asked = {request["body"].split("&")[0] for request in browser.seen()["requests"] if request["method"] == "POST"}
        assert "Action=ModifyDBInstance" not in asked
    forged = own.raw(key).call("ModifyDBInstance", {"DBInstanceIdentifier": "fleet-0", "CACertificateIdentifier": NEW})
    assert (forged.status, forged.code) == (403, "AccessDenied")
    assert described(own, "fleet-0")["PendingCA"] is None


def test_signing_in_and_out(own, browser):
    environment = own.environment()
    browser.go("/")
    assert browser.url() == f"{own.endpoint}/console/"
    # With the keyboard alone.
    browser.sees("Access key ID")
    browser.type("AKIAWRONGWRONGWRONG0")
    browser.press("Tab")
    browser.type("wrong")
    browser.press("Enter")
    browser.sees("The access key is not valid")
    browser.fill("Access key ID", environment["AWS_ACCESS_KEY_ID"])
    browser.fill("Secret access key", "wrong")
    browser.press("Enter")
    browser.sees("The access key is not valid")
    browser.fill("Secret access key", environment["AWS_SECRET_ACCESS_KEY"])
    browser.press("Enter")
    browser.sees("No databases")
    browser.reload()
    browser.sees("No databases")
    assert_keeps_secrets(browser, environment["AWS_SECRET_ACCESS_KEY"])
    browser.click("button", f"Signed in with access key {environment['AWS_ACCESS_KEY_ID']}")
    browser.click("menuitem", "Sign out")
    browser.sees("Access key ID")
    assert browser.evaluate("sessionStorage.length") == 0


def test_what_is_not_allowed_or_not_there_is_said(make_sealwright):
    sealwright = make_sealwright(regions=("us-east-1", "eu-central-1")).start()
    key = sealwright.access_key("--region", "eu-central-1")
    with browser_for(sealwright) as browser:
        browser.sign_in(key, path="/console/#/databases/eu-central-1")
        browser.sees("No databases")
        browser.go("#/databases/us-east-1")
        browser.sees("This access key may not do that")
        browser.go("#/databases/eu-central-1/no-such")
        browser.sees("DBInstanceNotFound")
        browser.go("#/databases/mars-north-1")
        browser.sees("There is no region mars-north-1 here")
        browser.go("#/databases/eu-central-1")
        browser.sees("No databases")
        sealwright.stop()
        browser.sees("The server does not answer")
        sealwright.start()
        browser.until(lambda: not browser.shows("The server does not answer"), 30, "the page should find the server again")


def test_a_browser_that_does_not_trust_the_server_gets_no_page(own):
    """The tests' own trust is real: without the control CA there is no page."""
    with browser_for(own) as trusting:
        trusting.go("/console/")
    environment = {**os.environ, "HOME": str(own.home), "PROFILE": str(own.top / "profile"), "ORIGIN": own.endpoint}
    done = subprocess.run(["node", "browser.mjs"], input='{"verb": "go", "arguments": ["/console/"]}\n', capture_output=True, text=True,
                          env=environment, cwd=os.path.dirname(__file__), timeout=120 * PATIENCE, check=False)
    assert "ERR_CERT_AUTHORITY_INVALID" in done.stdout
