"""The regions of the RDS user guide's two tables of certificate bundles: all of them, or, since each wants two RSA-4096 keys,
every ninth of the first. SEALWRIGHT_ALL_REGIONS=1, as in `make soak`, is for all."""

import os

AWS = """us-east-1 us-east-2 us-west-1 us-west-2 af-south-1 ap-east-1 ap-south-2 ap-southeast-3 ap-southeast-4 ap-south-1
ap-northeast-3 ap-northeast-1 ap-northeast-2 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-west-1 eu-west-2
eu-south-1 eu-west-3 eu-south-2 eu-north-1 eu-central-2 me-south-1 me-central-1 sa-east-1""".split()[::1 if os.environ.get("SEALWRIGHT_ALL_REGIONS") else 9]
GOVCLOUD = ["us-gov-east-1", "us-gov-west-1"]
AUTHORITIES = ["rds-ca-2019", "rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"]
GOVCLOUD_HOST = "truststore.pki.us-gov-west-1.localhost"
