"""`sealwright up` and `down`, as `make up` and `make down` call them."""

from server import alive, eventually


def test_up_returns_when_calls_are_answered_and_says_what_to_type(make_sealwright):
    sealwright = make_sealwright(fresh=True)
    said = sealwright.command("up")
    try:
        assert sealwright.raw().call("DescribeCertificates").status == 200
        assert "env.sh" in said
        assert "create-db-instance" in said
        again = sealwright.command("up")
        assert sealwright.raw().call("DescribeCertificates").status == 200
        assert again
    finally:
        pids = [int((sealwright.run_dir / name).read_text()) for name in ("server.pid", "agent.pid")]
        assert all(alive(pid) for pid in pids)
        assert "database" in sealwright.command("down").lower()
    for pid in pids:
        eventually(lambda pid=pid: not alive(pid), 10, f"process {pid} should have ended")


def test_the_secret_files_are_for_their_owner_alone(make_sealwright):
    sealwright = make_sealwright(fresh=True)
    for path in sealwright.run_dir.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            secret = sealwright.environment()["AWS_SECRET_ACCESS_KEY"].encode()
            if secret in content or b"PRIVATE KEY-----" in content or path.suffix == ".key":
                assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"
