"""The stand-in's sqlplus and dbca: a "database" is a JSON file in dbs/, and runs while its process monitor does."""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

from home import oracle_home

WITHHELD = ["ALTER DATABASE", "ALTER SYSTEM", "CREATE ANY DIRECTORY", "CREATE EXTERNAL JOB", "CREATE SESSION"]
ROLES = ["AQ_ADMINISTRATOR_ROLE", "CONNECT", "DBA", "EXECUTE_CATALOG_ROLE", "RESOURCE", "SCHEDULER_ADMIN"]


class OracleError(Exception):
    """ORA-number: text."""


def sid():
    return os.environ["ORACLE_SID"]


def state_file(name=None):
    return oracle_home() / "dbs" / f"{name or sid()}.json"


def load(name=None):
    path = state_file(name)
    return json.loads(path.read_text()) if path.exists() else None


def save(state):
    new = state_file().with_suffix(".new")
    new.write_text(json.dumps(state, indent=1))
    new.rename(state_file())


def monitor():
    """The process monitor's id, or 0."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")[0].decode() == f"ora_pmon_{sid()}":
                return int(entry)
        except OSError:
            continue
    return 0


def daemon(program, arguments, folder):
    """Starts a program that outlives its starter and keeps none of its files."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir(folder)
            nothing = os.open("/dev/null", os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            os.closerange(3, 256)
            os.execv(program, arguments)
        os._exit(0)
    os.wait()


def start_instance():
    daemon("/usr/bin/sleep", [f"ora_pmon_{sid()}", "infinity"], oracle_home() / "dbs")
    until = time.monotonic() + 20
    while not monitor() and time.monotonic() < until:
        time.sleep(0.01)


def stop_instance():
    pid = monitor()
    if pid:
        os.kill(pid, signal.SIGKILL)
    for server in session_processes():
        os.kill(server, signal.SIGKILL)
    while monitor():
        time.sleep(0.01)


def session_processes():
    """The server processes of this instance's sessions."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and Path(f"/proc/{entry}/cmdline").read_bytes().startswith(f"oracle{sid()}\0".encode()):
                found.append(int(entry))
        except OSError:
            continue
    return found


# -- sqlplus -------------------------------------------------------------------------------------------------------------


def startup(line):
    if monitor():
        raise OracleError("ORA-01081: cannot start already-running ORACLE - shut it down first")
    parameters = Path(re.fullmatch(r"STARTUP PFILE='([^']+)'", line).group(1)).read_text()
    server_parameters = Path(re.search(r"^spfile='([^']+)'$", parameters, re.MULTILINE).group(1))
    if not server_parameters.exists():
        raise OracleError(f"ORA-01565: error in identifying file '{server_parameters}'")
    state = load()
    if not state or not Path(state["data"], "system01.dbf").exists():
        raise OracleError("ORA-00205: error in identifying control file, check alert log for more info")
    state["parameters"] = dict(re.findall(r"^(\w+)='(.*)'$", parameters, re.MULTILINE))
    save(state)
    start_instance()
    print("ORACLE instance started.\nDatabase mounted.\nDatabase opened.")


def need_instance():
    if not monitor():
        raise OracleError("ORA-01034: ORACLE not available")
    return load()


def create_file(line):
    need_instance()
    target = Path(re.match(r"CREATE S?PFILE='([^']+)' FROM", line).group(1))
    target.write_text("*.db_name=''\n")


def block(text):
    """The one anonymous block that the driver sends: the master user and its roles."""
    state = need_instance()
    name = re.search(r"CREATE USER \"(\w+)\" NO AUTHENTICATION", text).group(1)
    user = state["users"].setdefault(name, {"password": None, "roles": [], "privileges": []})
    wanted = re.findall(r"'([A-Z_ ]+)'", text)
    state["dba"] = [each for each in state["dba"] if each not in wanted]
    user["roles"] = sorted(set(wanted) & set(ROLES))
    save(state)


def grant(line):
    state = need_instance()
    privileges, name = re.fullmatch(r"GRANT ([A-Z ,]+) TO \"(\w+)\";", line).groups()
    state["users"][name]["privileges"] = sorted(privileges.split(", "))
    save(state)


def alter_user(line):
    state = need_instance()
    match = re.fullmatch(r'ALTER USER "(\w+)" IDENTIFIED BY "([^"]+)" ACCOUNT UNLOCK;', line)
    if not match:
        raise OracleError("ORA-00922: missing or invalid option")
    if match.group(1) not in state["users"]:
        raise OracleError(f"ORA-01918: user '{match.group(1)}' does not exist")
    state["users"][match.group(1)]["password"] = match.group(2)
    save(state)


def alter_system(line):
    state = need_instance()
    match = re.fullmatch(r"ALTER SYSTEM SET (\w+)='([^']*)' SCOPE=MEMORY;", line)
    if match.group(1) == "processes":
        raise OracleError("ORA-02095: specified initialization parameter cannot be modified")
    state["parameters"][match.group(1)] = match.group(2)
    save(state)


def select(line):
    if "v$instance" in line:
        need_instance()
        print("sealwright:OPEN")
    else:
        raise OracleError("ORA-00942: table or view does not exist")


STATEMENTS = (("STARTUP", startup), ("CREATE PFILE", create_file), ("CREATE SPFILE", create_file), ("GRANT", grant),
              ("ALTER USER", alter_user), ("ALTER SYSTEM", alter_system), ("SELECT", select))


def execute(statement):
    if statement.startswith("SHUTDOWN"):
        stop_instance()
        print("ORACLE instance shut down.")
        return
    if statement.startswith("DECLARE"):
        block(statement)
        return
    for start, action in STATEMENTS:
        if statement.startswith(start):
            action(statement)
            return
    raise OracleError("ORA-00900: invalid SQL statement")


def sqlplus(arguments):
    if arguments == ["-V"]:
        print(f"\nSQL*Plus: Release 19.0.0.0.0 - Production\nVersion {(oracle_home() / 'version').read_text().strip()}\n")
        return 0
    assert arguments == ["-S", "-L", "/", "as", "sysdba"], arguments
    stops, block_lines = True, None
    for line in sys.stdin.read().splitlines():
        if block_lines is not None:
            block_lines.append(line)
            if line != "/":
                continue
            line, block_lines = "\n".join(block_lines), None
        elif line.startswith("DECLARE"):
            block_lines = [line]
            continue
        if line.startswith("WHENEVER SQLERROR"):
            stops = "EXIT" in line
        if line.startswith("EXIT"):
            return 0
        if not line or line.startswith(("SET ", "WHENEVER ")):
            continue
        try:
            execute(line)
        except OracleError as error:
            # As the real one does: the statement, whatever stands in it, then the message.
            if line.startswith("STARTUP"):
                print(error)
                continue
            print(f"{line}\n*\nERROR at line 1:\n{error}\n")
            if stops:
                return 1
    return 0


# -- dbca ----------------------------------------------------------------------------------------------------------------


def create_database(response):
    answers = dict(line.split("=", 1) for line in Path(response).read_text().splitlines())
    assert Path(response).stat().st_mode & 0o077 == 0, "others can read the passwords"
    assert answers["sid"] == sid() and len(answers["sysPassword"]) > 8, answers
    if state_file().exists():
        print(f"[FATAL] [DBT-10317] Specified SID Name ({sid()}) already exists.")
        return 1
    data = Path(answers["datafileDestination"])
    (data / "system01.dbf").write_text("a stand-in's data file\n")
    time.sleep(float(os.environ.get("STANDIN_DBCA_SECONDS", "0")))
    parameters = dict(pair.split("=", 1) for pair in answers["initParams"].split(","))
    assert parameters["db_unique_name"] == sid(), parameters
    (oracle_home() / "dbs" / f"spfile{sid()}.ora").write_text(f"*.db_name='{answers['gdbName']}'\n")
    save({"name": answers["gdbName"], "data": str(data), "dba": WITHHELD, "users": {}, "parameters": {}})
    start_instance()
    print("Database creation complete.")
    return 0


def dbca(arguments):
    if arguments[:3] == ["-silent", "-createDatabase", "-responseFile"]:
        return create_database(arguments[3])
    assert arguments == ["-silent", "-deleteDatabase", "-sourceDB", sid(), "-sid", sid()], arguments
    if not state_file().exists():
        print(f"[FATAL] [DBT-10326] There is no database {sid()}.")
        return 1
    stop_instance()
    state_file().unlink()
    (oracle_home() / "dbs" / f"spfile{sid()}.ora").unlink(missing_ok=True)
    return 0
