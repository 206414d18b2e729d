import { describe, expect, it } from "vitest";
import { chainOf, colons } from "../src/model/chain";
import { readProblem, readRotation, readServerCertificate } from "../src/model/rotation";
import { isMoving, makeRow } from "../src/model/row";
import { commonName, digestOf } from "../src/model/trust";
import { updateReason } from "../src/model/update";
import { day } from "../src/model/time";

const sha256 = "ab".repeat(32);
const served = {
  StatusType: "server-certificate",
  Normal: true,
  Status: "0f12",
  Message: `SHA-256 ${sha256}, from 2026-11-30T20:00:00Z, issued by rds-ca-ecc384-g1 subordinate 2`,
};
const rotation = (Status: string, Message: string) => ({ StatusType: "certificate-rotation", Status, Message });

describe("what an instance says of its certificate", () => {
  it("is where the rotation stands", () => {
    expect(readRotation([served, rotation("scheduled", "Next rotation: 2027-05-31T05:00:00Z")])).toEqual({
      state: "scheduled",
      next: new Date("2027-05-31T05:00:00Z"),
    });
    expect(readRotation([rotation("manual", "Expires: 2027-11-30T20:00:00Z")])).toEqual({ state: "manual", next: undefined });
    expect(readRotation([rotation("something else", "")]).state).toBe("none");
    expect(readRotation(undefined).state).toBe("none");
  });
  it("is which certificate clients see", () => {
    expect(readServerCertificate([served])).toEqual({
      serial: "0f12",
      sha256,
      validFrom: new Date("2026-11-30T20:00:00Z"),
      authority: "rds-ca-ecc384-g1",
      subordinate: 2,
      bridges: [],
    });
    const bridged = { ...served, Message: `${served.Message}, bridged from rds-ca-2019 rds-ca-rsa2048-g1` };
    expect(readServerCertificate([bridged])?.bridges).toEqual(["rds-ca-2019", "rds-ca-rsa2048-g1"]);
    expect(readServerCertificate([{ ...served, Message: "otherwise" }])).toBeUndefined();
  });
  it("is what is wrong", () => {
    expect(readProblem([{ StatusType: "instance", Normal: false, Message: "no room" }])).toBe("no room");
    expect(readProblem([served])).toBeUndefined();
  });
});

describe("the chain", () => {
  const certificate = (role: "root" | "subordinate", number: number) => ({
    ca_identifier: "rds-ca-ecc384-g1",
    region: "us-east-1",
    role,
    number,
    subject: `CN=${role} ${number},O=Amazon`,
    issuer: "",
    serial: `${number}`,
    sha1: "",
    sha256: `${role}${number}`,
    valid_from: "2026-11-30T20:00:00Z",
    valid_till: "2036-11-30T20:00:00Z",
    key: "EC P-384",
    signature: "ecdsa-with-SHA384",
  });
  const index = { bundles: [], certificates: [certificate("root", 0), certificate("subordinate", 1), certificate("subordinate", 2)] };
  const leaf = readServerCertificate([served]);
  it("goes by way of the subordinate that signed", () => {
    const links = leaf ? chainOf(leaf, "orders.example", new Date("2027-11-30T20:00:00Z"), index) : [];
    expect(links.map(({ role, name }) => [role, name])).toEqual([
      ["Root", "root 0"],
      ["Subordinate", "subordinate 2"],
      ["Server certificate", "orders.example"],
    ]);
  });
  it("is the server certificate alone while the region's index is not there", () => {
    expect(leaf && chainOf(leaf, "orders.example", undefined, undefined)).toHaveLength(1);
  });
  it("has names and digests as people read them", () => {
    expect(commonName("C=US,CN=Amazon RDS\\, us-east-1 Root,O=x")).toBe("Amazon RDS, us-east-1 Root");
    expect(digestOf("sha256WithRSAEncryption")).toBe("SHA256");
    expect(digestOf("ecdsa-with-SHA384")).toBe("SHA384");
    expect(colons("0afe")).toBe("0A:FE");
  });
});

describe("rows", () => {
  const row = makeRow({
    DBInstanceIdentifier: "orders",
    DBInstanceStatus: "available",
    CACertificateIdentifier: "rds-ca-2019",
    PendingModifiedValues: { CACertificateIdentifier: "rds-ca-rsa2048-g1" },
    CertificateDetails: { ValidTill: new Date(1000) },
    StatusInfos: [rotation("manual", "")],
  });
  it("hold what tables show", () => {
    expect(row).toMatchObject({ identifier: "orders", authority: "rds-ca-2019", pendingAuthority: "rds-ca-rsa2048-g1", expires: 1000 });
  });
  it("are looked at again while something is under way", () => {
    expect(isMoving(row)).toBe(false);
    expect(isMoving({ ...row, status: "modifying" })).toBe(true);
    expect(isMoving({ ...row, rotation: "guarded" })).toBe(true);
  });
  it("require an update when something is pending, undone or left to expire", () => {
    const now = Date.now();
    const far = { ...row, expires: now + 100 * day };
    expect(updateReason(far, true, now)).toBe("pending");
    expect(updateReason(far, false, now)).toBeUndefined();
    expect(updateReason({ ...far, rotation: "undone" }, false, now)).toBe("undone");
    expect(updateReason({ ...far, expires: now + 10 * day }, false, now)).toBe("expiring");
    expect(updateReason({ ...far, expires: now + 10 * day, rotation: "scheduled" }, false, now)).toBeUndefined();
  });
});
