"""Makes the vectors beside it with OpenSSL's command line, an implementation of CMS that shares nothing with ours.

Run by hand, in this directory, with OpenSSL 3.0 or later: `python make_vectors.py`. Keys and random numbers are new
each time, so that every file changes; what the tests expect of them does not. The tests read the files only.
The private keys protect nothing and were made for these files.
"""

import shlex
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CONTENT = b"What was sent.\r\n"
KEK = "000102030405060708090a0b0c0d0e0f"
KEK256 = KEK * 2
KEK_ID = "c0ffee"
PASSWORD = "sesame"
KEY_PACKAGE = "2.16.840.1.101.2.1.2.78.5"

KEYS = {
    "ca": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    "rsa": "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    "other": "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    "ec": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    "ec521": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
}
SIGNED = {
    "signed-rsa-sha256": "-signer rsa.crt -inkey rsa.key -md sha256 -nodetach",
    "signed-rsa-sha512": "-signer rsa.crt -inkey rsa.key -md sha512 -nodetach",
    "signed-rsa-sha1": "-signer rsa.crt -inkey rsa.key -md sha1 -nodetach",
    "signed-rsa-md5": "-signer rsa.crt -inkey rsa.key -md md5 -nodetach",
    "signed-rsa-pss": "-signer rsa.crt -inkey rsa.key -md sha384 -keyopt rsa_padding_mode:pss -nodetach",
    "signed-ecdsa-sha256": "-signer ec.crt -inkey ec.key -md sha256 -nodetach",
    "signed-ecdsa-p521": "-signer ec521.crt -inkey ec521.key -md sha512 -nodetach",
    "signed-by-key-identifier": "-signer rsa.crt -inkey rsa.key -md sha256 -nodetach -keyid",
    "signed-detached": "-signer rsa.crt -inkey rsa.key -md sha256",
    "signed-without-attributes": "-signer rsa.crt -inkey rsa.key -md sha256 -nodetach -noattr",
    "signed-without-certificate": "-signer rsa.crt -inkey rsa.key -md sha256 -nodetach -nocerts",
    "signed-by-two": "-signer rsa.crt -inkey rsa.key -signer ec.crt -inkey ec.key -md sha256 -nodetach",
    "signed-streamed": "-signer rsa.crt -inkey rsa.key -md sha256 -nodetach -stream",
    "signed-with-chain": "-signer rsa.crt -inkey rsa.key -md sha256 -nodetach -certfile ca.crt",
}
ENVELOPED = {
    "ktri-aes128-cbc": "-aes-128-cbc -recip rsa.crt",
    "ktri-aes192-cbc": "-aes-192-cbc -recip rsa.crt",
    "ktri-aes256-cbc": "-aes-256-cbc -recip rsa.crt",
    "ktri-aes256-gcm": "-aes-256-gcm -recip rsa.crt",
    "ktri-des3": "-des3 -recip rsa.crt",
    "ktri-des": "-des-cbc -provider legacy -provider default -recip rsa.crt",
    "ktri-rc2": "-rc2-cbc -provider legacy -provider default -recip rsa.crt",
    "ktri-oaep-sha1": "-aes-128-cbc -recip rsa.crt -keyopt rsa_padding_mode:oaep",
    "ktri-oaep-sha256": "-aes-128-cbc -recip rsa.crt -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
    "ktri-oaep-label": "-aes-128-cbc -recip rsa.crt -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_label:c0ffee",
    "ktri-by-key-identifier": "-aes-128-cbc -keyid -recip rsa.crt",
    "ktri-streamed": "-aes-128-cbc -stream -recip rsa.crt",
    "ktri-two-recipients": "-aes-128-cbc -recip other.crt -recip rsa.crt",
    "ktri-for-other": "-aes-128-cbc -recip other.crt",
    "kari-sha1": "-aes-128-cbc -recip ec.crt",
    "kari-sha256": "-aes-128-cbc -recip ec.crt -keyopt ecdh_kdf_md:sha256",
    "kari-sha224": "-aes-128-cbc -recip ec.crt -keyopt ecdh_kdf_md:sha224",
    "kari-p521-sha512-wrap256": "-aes-256-cbc -aes256-wrap -recip ec521.crt -keyopt ecdh_kdf_md:sha512",
    "kari-sha384-wrap192": "-aes-192-cbc -aes192-wrap -recip ec521.crt -keyopt ecdh_kdf_md:sha384",
    "kari-cofactor": "-aes-128-cbc -recip ec.crt -keyopt ecdh_cofactor_mode:1 -keyopt ecdh_kdf_md:sha256",
    "kari-by-key-identifier": "-aes-128-cbc -keyid -recip ec.crt",
    "kari-aes128-gcm": "-aes-128-gcm -recip ec.crt",
    "kekri-aes128": f"-aes-128-cbc -secretkey {KEK} -secretkeyid {KEK_ID}",
    "kekri-aes256": f"-aes-256-cbc -secretkey {KEK256} -secretkeyid {KEK_ID}",
    "kekri-aes256-gcm": f"-aes-256-gcm -secretkey {KEK256} -secretkeyid {KEK_ID}",
    "pwri-aes128": f"-aes-128-cbc -pwri_password {PASSWORD}",
    "pwri-aes256": f"-aes-256-cbc -pwri_password {PASSWORD}",
    "pwri-des3": f"-des3 -pwri_password {PASSWORD}",
    "mixed-recipients": f"-aes-128-cbc -recip rsa.crt -recip ec.crt -secretkey {KEK} -secretkeyid {KEK_ID}"
    f" -pwri_password {PASSWORD}",
}


def openssl(command: str) -> None:
    """Run one command in this directory."""
    argv = ["openssl", *shlex.split(command)]
    subprocess.run(argv, cwd=HERE, check=True, capture_output=True)  # noqa: S603 - all commands stand in this file


def make_certificates() -> None:
    for name, command in KEYS.items():
        openssl(f"{command} -out {name}.key")
    openssl("req -x509 -new -key ca.key -subj '/O=Certwright Vectors/CN=CA' -days 36500 -out ca.crt")
    for serial, name in enumerate((name for name in KEYS if name != "ca"), start=1000):
        extensions = "-addext keyUsage=digitalSignature,keyEncipherment,keyAgreement"
        openssl(f"req -new -key {name}.key -subj '/O=Certwright Vectors/CN={name}' {extensions} -out {name}.csr")
        openssl(
            f"x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -set_serial {serial} -days 36500"
            f" -copy_extensions copy -out {name}.crt"
        )
        (HERE / f"{name}.csr").unlink()


def make_certificate_sets() -> None:
    bundle = HERE / "bundle"
    bundle.write_bytes(b"".join((HERE / f"{name}.crt").read_bytes() for name in ("rsa", "ec", "ca", "rsa")))
    openssl("crl2pkcs7 -nocrl -certfile bundle -outform DER -out certs-only.der")
    openssl("crl2pkcs7 -nocrl -certfile bundle -outform PEM -out certs-only.pem")
    bundle.unlink()
    (HERE / "index").write_bytes(b"")
    (HERE / "ca.conf").write_text("[ca]\ndatabase=index\ndefault_md=sha256\n")
    openssl("ca -config ca.conf -name ca -gencrl -crldays 36500 -keyfile ca.key -cert ca.crt -out crl")
    openssl("crl2pkcs7 -in crl -outform DER -out crl-only.der")
    for name in ("index", "ca.conf", "crl"):
        (HERE / name).unlink()


def make_messages() -> None:
    content = HERE / "content"
    content.write_bytes(CONTENT)
    for name, options in SIGNED.items():
        openssl(f"cms -sign -binary -in content -outform DER -out {name}.der {options}")
    for name, options in ENVELOPED.items():
        openssl(f"cms -encrypt -binary -in content -outform DER -out {name}.der {options}")
    content.unlink()


def make_key_packages() -> None:
    openssl("pkcs8 -topk8 -nocrypt -in other.key -outform DER -out key-pkcs8.der")
    key = (HERE / "key-pkcs8.der").read_bytes()
    (HERE / "key-package.der").write_bytes(b"\x30\x82" + len(key).to_bytes(2, "big") + key)
    openssl(
        f"cms -sign -binary -nodetach -in key-package.der -econtent_type {KEY_PACKAGE} -md sha256"
        " -signer ec.crt -inkey ec.key -outform DER -out key-package-signed.der"
    )
    openssl(
        "cms -encrypt -binary -in key-package-signed.der -aes-128-cbc -recip rsa.crt -outform DER"
        " -out key-package-enveloped.der"
    )


if __name__ == "__main__":
    make_certificates()
    make_certificate_sets()
    make_messages()
    make_key_packages()
