"""rds.force_ssl, by RDS's default for the version: what a client without TLS is told."""

from postgres import create, delete, psql, until_gone, until_status


def test_a_connection_without_tls_follows_the_versions_default(shared, javascript, identifier):
    create(javascript, identifier)
    instance = until_status(javascript, identifier, "available")
    bundle = shared.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")
    assert psql(instance, bundle, "select ssl from pg_stat_ssl where pid = pg_backend_pid()") == "t"
    plain = psql(instance, None, "select 1", mode="disable", check=False)
    if int(instance["EngineVersion"].split(".")[0]) >= 15:  # since 15 the default is to refuse
        assert plain.returncode != 0
        assert "no encryption" in plain.stderr
    else:
        assert plain.returncode == 0
    delete(javascript, identifier)
    until_gone(javascript, identifier)


def test_a_bundle_of_another_region_verifies_nothing(shared, javascript, identifier):
    create(javascript, identifier)
    instance = until_status(javascript, identifier, "available")
    bundle = shared.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")
    elsewhere = shared.download("/eu-central-1/eu-central-1-bundle.pem", f"{identifier}-other.pem")
    assert psql(instance, bundle, "select 1") == "1"
    refused = psql(instance, elsewhere, "select 1", check=False)
    assert refused.returncode != 0
    assert "certificate verify failed" in refused.stderr
    delete(javascript, identifier)
    until_gone(javascript, identifier)
