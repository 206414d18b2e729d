"""Each page of the web console for everybody: for screen readers, in the dark, on narrow windows, of ten thousand
databases and of texts that are full of markup."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from browser import browser_for, build_console
from console_fleet import UNDONE, add_copies, add_event, make_example
from fleet import call, create_all
from server import PATIENCE, ROOT, Sealwright

MARKUP = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script><b>bold</b>"
NAME = "<img src=x onerror=\"window.broken=1\"><b>bold</b>"  # the store's identifiers have 63 characters at most
PICTURES = os.environ.get("SEALWRIGHT_PICTURES")  # a folder for screenshots of each page
AUTHORITIES = ("rds-ca-rsa2048-g1", "rds-ca-2019", "rds-ca-ecc384-g1")

# Each page: its picture's name, its address, what is there once it is complete.
PAGES = [
    ("databases", "databases/us-east-1", "Available"),
    ("create-database", "create/us-east-1", "db.t3.micro"),
    ("connectivity", "databases/us-east-1/orders", "Fetch the bundle once"),
    ("events", "databases/us-east-1/orders/events", "DB instance created"),
    ("maintenance", "databases/us-east-1/orders/maintenance", "is being retired"),
    ("configuration", "databases/us-east-1/orders/configuration", "Parameter groups"),
    ("tags", "databases/us-east-1/orders/tags", "team"),
    ("modify", "databases/us-east-1/orders/modify", "New master password"),
    ("certificate-update", "certificate-update/us-east-1", "is being retired"),
    ("certificates", "certificates/us-east-1", "All of the region, PEM"),
]


@pytest.fixture(scope="module", autouse=True)
def built():
    build_console()


@pytest.fixture(scope="module")
def world():
    """A fleet of which every page has something to show."""
    sealwright = Sealwright(regions=("us-east-1", "eu-central-1"))
    try:
        make_example(sealwright)
        sealwright.download("/us-east-1/us-east-1-bundle.pem")
        yield sealwright
    finally:
        sealwright.close(keep=bool(os.environ.get("KEEP")))


@pytest.fixture
def browser(world):
    with browser_for(world) as opened:
        yield opened


def settle(browser, text):
    browser.sees(text)
    browser.until(lambda: not browser.count("[class*=awsui_spinner]"), 60, "nothing should be loading any more")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(browser, theme):
    browser.theme(theme)
    browser.go("/console/")
    browser.sees("Secret access key")
    assert_accessible(browser, "sign-in")
    picture(browser, f"sign-in-{theme}")
    browser.sign_in()
    assert browser.count("body.awsui-dark-mode") == (1 if theme == "dark" else 0)
    for name, path, text in PAGES:
        browser.go(f"#/{path}")
        settle(browser, text)
        assert_accessible(browser, name)
        picture(browser, f"{name}-{theme}")


def assert_accessible(browser, name):
    findings = browser.axe()
    assert findings["passes"] > 10, f"axe has looked at nothing on {name}"
    bad = [each for each in findings["violations"] if each["impact"] in ("serious", "critical")]
    assert not bad, f"{name}: {bad}"


def picture(browser, name):
    if PICTURES:
        path = Path(ROOT, PICTURES, f"{name}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        width, height = browser.evaluate("[innerWidth, innerHeight]")
        browser.size(width, browser.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)"))  # all of the page
        browser.screenshot(str(path), False)
        browser.size(width, height)
        subprocess.run(["pngquant", "--force", "--ext", ".png", path], check=True, timeout=60 * PATIENCE)


def test_axe_finds_what_is_wrong(browser):
    """The judge is awake: a picture without words and a button without a name are found."""
    browser.sign_in()
    browser.evaluate("document.body.append(document.createElement('button'), Object.assign(new Image(), { src: 'data:image/gif;base64,R0lGODlhAQABAAAAACw=' }))")
    assert {"button-name", "image-alt"} <= {each["id"] for each in browser.axe()["violations"]}


def test_narrow_windows_need_no_sideways_scrolling(browser):
    browser.size(360, 740)
    browser.sign_in()
    for name, path, text in PAGES:
        browser.go(f"#/{path}")
        settle(browser, text)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 360, name
    browser.go("#/databases/us-east-1")
    settle(browser, "Available")
    picture(browser, "narrow")


def test_the_keyboard_alone_is_enough(browser):
    """From the list to a database, its tabs and a dialog."""
    browser.sign_in()
    settle(browser, "Available")

    def tab_to(name):
        for _ in range(80):
            if browser.focused() == name:
                return
            browser.press("Tab")
        raise AssertionError(f"{name} is not reached by the Tab key; {browser.focused()} is")

    tab_to("orders")
    browser.press("Enter")
    settle(browser, "Fetch the bundle once")
    tab_to("Connectivity & security")
    browser.press("ArrowRight")
    browser.press("Enter")
    browser.sees("Recent events")
    browser.evaluate("document.activeElement.blur()")
    tab_to("Actions")
    browser.press("Enter")
    browser.press("Enter")
    browser.sees("Reboot DB instance orders?")
    browser.press("Escape")
    browser.until(lambda: not browser.count("[role=dialog]"), 30, "the dialog should be gone")


def test_pending_maintenance_is_put_off_and_taken_back(browser):
    browser.sign_in(path="/console/#/databases/us-east-1/orders/maintenance")
    settle(browser, "is being retired")
    for choice, answer in (("Apply at the next maintenance window", "next-maintenance"), ("Undo the opt-in", "undo-opt-in")):
        browser.click("button", "Apply ca-certificate-rotation")
        browser.click("menuitem", choice)
        browser.sees(f"ca-certificate-rotation: {answer}")
        browser.until(lambda: ("next-maintenance" in browser.row_text("ca-certificate-rotation")) == (answer == "next-maintenance"), 30,
                      lambda: f"the row should tell it: {browser.row_text('ca-certificate-rotation')}")


def test_refusals_and_undone_rotations_are_shown(browser):
    browser.sign_in(path="/console/#/certificate-update/us-east-1")
    browser.until(lambda: UNDONE in browser.row_text("crm"), 60, "who refused the certificate should be said")
    browser.click("button", "All (17)")
    browser.fill("Filter by databases", "invoices")
    browser.sees("1 matches")
    browser.check_row("invoices")
    browser.click("button", "Apply now")
    browser.check("I have updated the trust stores of my clients")
    browser.click_in("dialog", "button", "Apply now")
    browser.sees("0 done, 1 failed")
    assert "Refused" in browser.row_text("InvalidDBInstanceState")


def test_tags_are_changed(browser, world):
    browser.sign_in(path="/console/#/databases/us-east-1/users/tags")
    browser.click("button", "Manage tags")
    browser.click("button", "Add tag")
    browser.fill("Key", "owner")
    browser.fill("Value", "core team")
    browser.click("button", "Save changes")
    browser.sees("The tags were saved")
    assert "core team" in browser.row_text("owner")
    arn = "arn:aws:rds:us-east-1:123456789012:db:users"
    assert "<Key>owner</Key><Value>core team</Value>" in call(world, "ListTagsForResource", ResourceName=arn).text
    browser.click("button", "Manage tags")
    browser.click("button", "Remove owner")
    browser.click("button", "Save changes")
    browser.sees("No tags")
    assert "owner" not in call(world, "ListTagsForResource", ResourceName=arn).text


@pytest.mark.slow
def test_every_region_can_be_chosen(make_sealwright):
    """The 29 of RDS and one of the operator's own; each page in another region is a choice away."""
    sealwright = make_sealwright(regions=())
    path = sealwright.run_dir / "sealwright.json"
    settings = json.loads(path.read_text())
    own = {"name": "attic", "title": "Under the roof", "partition": "aws"}
    path.write_text(json.dumps({**settings, "regions": [*settings["regions"], own]}))
    sealwright.start("server")
    with browser_for(sealwright) as browser:
        browser.go("/console/")
        options = browser.options("Region")
        assert len(options) == 30 and any("attic" in option for option in options), options
        browser.sign_in()
        browser.click("button", "Region: US East (N. Virginia)")
        browser.click("menuitem", "Under the roof")
        browser.sees("There is no database in attic yet")
        assert browser.url().endswith("#/databases/attic")


def test_markup_is_shown_as_text(make_sealwright):
    sealwright = make_sealwright().start()
    create_all(sealwright, 1, AUTHORITIES)
    arn = "arn:aws:rds:us-east-1:123456789012:db:fleet-0"
    call(sealwright, "AddTagsToResource", ResourceName=arn, **{"Tags.Tag.1.Key": MARKUP[:120], "Tags.Tag.1.Value": MARKUP})
    sealwright.stop()
    add_event(sealwright, "fleet-0", MARKUP)
    add_copies(sealwright, "fleet-0", [{"identifier": NAME, "resource_id": "db-MARKUP", "problem": MARKUP, "master_username": MARKUP,
                                        "database_name": MARKUP[:60], "instance_class": MARKUP[:60]}])
    sealwright.start()
    with browser_for(sealwright) as browser:
        browser.before_load("window.broken = 0")
        browser.sign_in()
        browser.sees(NAME)
        for path in ("fleet-0/tags", "fleet-0/events"):
            browser.go(f"#/databases/us-east-1/{path}")
            browser.sees(MARKUP)
        browser.go("#/databases/us-east-1")
        browser.click("link", NAME)
        browser.sees("The agent says")
        browser.sees(MARKUP)
        browser.until(lambda: browser.text("[data-command=psql]"), 30, "the commands")
        browser.go("#/certificate-update/us-east-1")
        browser.sees("requiring certificate update")
        assert browser.evaluate("window.broken") == 0
        assert browser.count("img[src=x]") == 0 and browser.count("body script:not([src])") == 0


@pytest.mark.slow
def test_ten_thousand_databases(make_sealwright, record_property):
    sealwright = make_sealwright(workers=1).start()
    create_all(sealwright, 1, AUTHORITIES)
    sealwright.stop()
    add_copies(sealwright, "fleet-0", [{"identifier": f"shop-{number:05}", "resource_id": f"db-{number:020}",
                                        "served_ca_identifier": AUTHORITIES[number % 3], "ca_identifier": AUTHORITIES[number % 3]}
                                       for number in range(9999)])
    sealwright.start("server")
    with browser_for(sealwright) as browser:
        # The longest time in which the page could not answer its user (the Long Tasks API), from when it is set to 0 on.
        browser.before_load("window.longest = 0; new PerformanceObserver((list) => list.getEntries().forEach("
                            "(entry) => { window.longest = Math.max(window.longest, entry.duration) })).observe({ type: 'longtask' })")
        browser.sign_in()
        browser.sees("shop-00000")
        while_loading = "document.body.innerText.match(/Databases\\s*\\(([\\d,]+)\\+?\\)/)?.[1]"
        browser.until(lambda: browser.evaluate(while_loading) == "10,000", 120, lambda: f"all should be there: {browser.evaluate(while_loading)}")
        loading = browser.evaluate("Math.round(window.longest)")
        browser.evaluate("window.longest = 0")
        browser.fill("Filter by databases", "shop-0987")
        browser.press("Enter")
        browser.sees("10 matches")
        browser.click("button", "Clear filters")
        browser.click("button", "Next page")
        browser.until(lambda: "shop-00019" in browser.text("tbody"), 30, "the second page of 20")
        browser.sort("DB identifier")
        browser.until(lambda: "shop-09998" in browser.text("tbody"), 30, "the last should come first")
        using = browser.evaluate("Math.round(window.longest)")
        browser.go("#/certificates/us-east-1")
        browser.sees("10,000")
        record_property("figures", "console with 10,000 databases: the page was busy for at most "
                        f"{loading} ms at a time while they were loaded, {using} ms while they were filtered, paged and sorted")


def test_figures_of_the_first_load(world, record_property):
    with browser_for(world) as browser:
        first = browser.measure_load("/console/", "Secret access key")
        browser.sign_in()
        signed_in = browser.measure_load("/console/#/databases/us-east-1", "Available")
    assert 0 < first["bytes"] < 1_500_000
    record_property("figures", f"console, first load with an empty cache: {first['bytes'] / 1000:.0f} KB in {first['files']} files, sign-in "
                    f"usable after {first['milliseconds']} ms; signed in, the databases shown after {signed_in['milliseconds']} ms")
