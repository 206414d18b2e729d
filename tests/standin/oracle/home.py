#!/usr/bin/python3
"""A stand-in for an Oracle Database home: no database, but the programs that Sealwright's driver calls, which read and
write the same files, and a listener that a real client (node-oracledb, thin mode) can log in through.

    home.py make FOLDER EDITION [VERSION]      makes a home: EDITION is EE or SE2, VERSION such as 19.21.0.0.0

What it does is what Oracle's documentation and public drivers say of the real programs. It proves that the driver does
what it means to do, never that a real Oracle would agree.
"""

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
PROGRAMS = ("oracle", "lsnrctl", "tnslsnr", "sqlplus", "dbca", "orapki", "oraversion")

WRAPPER = """#!/usr/bin/python3 -IS
# Part of a stand-in for an Oracle Database home.
import sys
sys.path.insert(0, {folder!r})
import home
home.run({name!r})
"""
VARIABLES = """<?xml version="1.0" standalone="yes" ?>
<GLOBALVARS>
<VAR NAME="oracle_install_db_InstallType" TYPE="String" VALUE="{edition}"/>
</GLOBALVARS>
"""


def make(home, edition, version="19.21.0.0.0"):
    """A home in a new folder; returns the folder."""
    home = Path(home)
    (home / "bin").mkdir(parents=True)
    (home / "dbs").mkdir()
    (home / "version").write_text(version + "\n")
    variables = home / "inventory/globalvariables/oracle.server/globalvariables.xml"
    variables.parent.mkdir(parents=True)
    variables.write_text(VARIABLES.format(edition=edition))
    for name in PROGRAMS:
        program = home / "bin" / name
        program.write_text(WRAPPER.format(folder=str(FOLDER), name=name))
        program.chmod(0o755)
    (home / "dbs").chmod(0o777)
    return home


def oraversion(arguments):
    assert arguments == ["-compositeVersion"], arguments
    print((oracle_home() / "version").read_text().strip())


def oracle_home():
    return Path(os.environ["ORACLE_HOME"])


def run(name):
    os.umask(0o077)
    arguments = sys.argv[1:]
    if name == "oraversion":
        oraversion(arguments)
    elif name in ("sqlplus", "dbca"):
        import database
        sys.exit(getattr(database, name)(arguments))
    elif name == "orapki":
        import wallet
        sys.exit(wallet.orapki(arguments))
    elif name in ("lsnrctl", "tnslsnr"):
        import listener
        sys.exit(getattr(listener, name)(arguments))
    else:
        sys.exit(f"{name}: nothing stands in for this program")


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] != "make":
        sys.exit(__doc__)
    make(*sys.argv[2:5])
