"""The stand-in's orapki, and cwallet.sso: read and written as public drivers describe it (A1 F8 4E, a version, the
length of a header with an AES key and the password under it, then PKCS #12). The PKCS #12 inside is OpenSSL's."""

import ctypes
import os
import secrets
import string
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MAGIC = b"\xa1\xf8\x4e6"
VECTOR = bytes.fromhex("c034d8311c02cef851f0144b81ed4bf2")

crypto = ctypes.CDLL("libcrypto.so.3")
crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
for each in ("EVP_aes_128_cbc", "EVP_aes_192_cbc"):
    getattr(crypto, each).restype = ctypes.c_void_p


def aes(key, data, encrypt, vector=bytes(16)):
    """AES-CBC without padding."""
    cipher = {16: crypto.EVP_aes_128_cbc, 24: crypto.EVP_aes_192_cbc}[len(key)]()
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, length = ctypes.create_string_buffer(len(data) + 32), ctypes.c_int()
    crypto.EVP_CipherInit_ex(context, ctypes.c_void_p(cipher), None, key, vector, int(encrypt))
    crypto.EVP_CIPHER_CTX_set_padding(context, 0)
    crypto.EVP_CipherUpdate(context, out, ctypes.byref(length), data, len(data))
    crypto.EVP_CIPHER_CTX_free(context)
    return out.raw[:length.value]


class WalletError(Exception):
    """The wallet cannot be opened."""


def openssl(arguments, password, content):
    """`openssl pkcs12` of a content, with the password on a descriptor of its own."""
    reading, writing = os.pipe()
    os.write(writing, f"{password}\n".encode())
    os.close(writing)
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        done = subprocess.run(["openssl", "pkcs12", "-in", file.name, *arguments, f"fd:{reading}"], capture_output=True,
                              pass_fds=[reading], check=False)
    os.close(reading)
    if done.returncode:
        raise WalletError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return done.stdout


def pem_of(pkcs12, password):
    """Key and certificates."""
    return openssl(["-nodes", "-passin"], password, pkcs12)


def write_sso(target, pem):
    password = "".join(secrets.choice(string.ascii_letters) for _ in range(16))
    key = secrets.token_bytes(16)
    pkcs12 = openssl(["-export", "-passout"], password, pem)
    header = b"\x06" + key + aes(key, password.encode(), True, VECTOR)
    target.write_bytes(MAGIC + struct.pack(">II", 6, len(header)) + header + pkcs12)


def read_sso(path):
    """Key and certificates, PEM."""
    content = path.read_bytes()
    version, length = struct.unpack(">II", content[4:12])
    if content[:4] != MAGIC or version != 6 or content[12] != 6:
        raise WalletError(f"{path} is no auto-login wallet")
    key, hidden = content[13:29], content[29:12 + length]
    return pem_of(content[12 + length:], aes(key, hidden, False, VECTOR).decode())


def orapki(arguments):
    print("Oracle PKI Tool Release 19.0.0.0.0 - Production\n")
    if arguments[:3] != ["wallet", "create", "-wallet"] or arguments[4:] != ["-auto_login"]:
        print("Unknown command")
        return 1
    folder = Path(arguments[3])
    print("Enter wallet password: ")
    password = sys.stdin.readline().rstrip("\n")
    if len(password) < 8 or password.isalpha():
        print("PKI-01002: Invalid password: passwords must have 8 characters, letters and digits.")
        return 1
    try:
        write_sso(folder / "cwallet.sso", pem_of((folder / "ewallet.p12").read_bytes(), password))
    except (WalletError, OSError) as error:
        print(f"PKI-02003: Unable to load the wallet at {folder}: {error}")
        return 1
    print("Operation is successfully completed.")
    return 0
