"""Certificates that no authority of Sealwright would make: expired, for another name, by nobody one knows."""

import datetime
import subprocess

CONFIG = """
[ca]
default_ca = it
[it]
database = {folder}/index.txt
new_certs_dir = {folder}
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """A root in a folder of its own, and what it signs."""

    def __init__(self, folder, name="A test's own root"):
        folder.mkdir()
        self.folder, self.certificate, self.key = folder, folder / "root.pem", folder / "root.key"
        self.config = folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=folder))
        (folder / "index.txt").write_text("")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key,
                "-out", self.certificate, "-days", "3650", "-subj", f"/CN={name}")

    def issue(self, name="localhost", days=200, since=-1):
        """(certificate file, key file), good from `since` days from now on until `days` days from now."""
        number = len(list(self.folder.glob("leaf*.key")))
        key, request = self.folder / f"leaf{number}.key", self.folder / f"leaf{number}.csr"
        certificate = self.folder / f"leaf{number}.pem"
        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = (f"{now + datetime.timedelta(days=offset, hours=1):%Y%m%d%H%M%SZ}" for offset in (since, days))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                "-out", request, "-subj", f"/CN={name[:64]}", "-addext", f"subjectAltName=DNS:{name}", "-config",
                self.config)
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert", self.certificate, "-keyfile", self.key, "-in",
                request, "-out", certificate, "-startdate", begin, "-enddate", end)
        return certificate, key


def self_signed(folder, name="localhost"):
    certificate, key = folder / "self.pem", folder / "self.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
            certificate, "-days", "200", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    return certificate, key
