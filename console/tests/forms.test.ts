import { describe, expect, it } from "vitest";
import { nameOf, troubleOf } from "../src/api/words";
import { authorityChoices } from "../src/model/authority";
import { orderFor, progressOf, type BatchEntry } from "../src/model/batch";
import { createInput, createProblems, emptyWish } from "../src/model/create";
import { changesOf, modifyInput, modifyProblems, wishOf } from "../src/model/modify";
import { pendingChanges } from "../src/model/pending";
import { makeRow } from "../src/model/row";
import { offerOf, withChoices, withClass } from "../src/pages/create/choices";

describe("Create database", () => {
  const wish = { ...emptyWish, engine: "postgres", identifier: "orders", password: "12345678", confirmation: "12345678" };
  it("leaves to the server what was left empty", () => {
    expect(createProblems(wish)).toEqual({});
    expect(createInput(wish)).toMatchObject({ DBInstanceIdentifier: "orders", AllocatedStorage: 20, Port: undefined, CACertificateIdentifier: undefined });
    const window = { day: 1, hour: 3, minute: 0, length: 60 };
    expect(createInput({ ...wish, port: "6000", authority: "rds-ca-ecc384-g1", window })).toMatchObject({
      Port: 6000,
      CACertificateIdentifier: "rds-ca-ecc384-g1",
      PreferredMaintenanceWindow: "mon:03:00-mon:04:00",
    });
  });
  it("says what cannot be sent", () => {
    const bad = { ...wish, identifier: "1-", password: "short", confirmation: "other", storage: "x", port: "-1" };
    expect(Object.keys(createProblems(bad)).sort()).toEqual(["confirmation", "identifier", "password", "port", "storage"]);
  });
  it("takes the newest version, and no CA that it does not support", () => {
    const versions = [
      { Engine: "postgres", EngineVersion: "9.6", SupportedCACertificateIdentifiers: ["rds-ca-2019"] },
      { Engine: "postgres", EngineVersion: "15.18", SupportedCACertificateIdentifiers: ["rds-ca-2019", "rds-ca-rsa2048-g1"] },
      { Engine: "mysql", EngineVersion: "9.7" },
    ];
    expect(withChoices({ ...emptyWish, authority: "rds-ca-rsa2048-g1" }, versions)).toMatchObject({
      engine: "postgres",
      version: "15.18",
      authority: "rds-ca-rsa2048-g1",
    });
    expect(withChoices({ ...emptyWish, engine: "postgres", version: "9.6", authority: "rds-ca-rsa2048-g1" }, versions).authority).toBe("");
    const certificates = [{ CertificateIdentifier: "rds-ca-2019" }, { CertificateIdentifier: "rds-ca-ecc384-g1" }];
    expect(authorityChoices(certificates, "rds-ca-2019", ["rds-ca-2019"], undefined)).toMatchObject([
      { identifier: "rds-ca-2019", isDefault: true },
    ]);
  });
  it("takes the smallest class that is offered, unless one was chosen", () => {
    const offer = offerOf([
      { DBInstanceClass: "db.m6g.large", LicenseModel: "postgresql-license" },
      { DBInstanceClass: "db.t3.micro", LicenseModel: "postgresql-license" },
    ]);
    expect(offer).toEqual({ classes: ["db.m6g.large", "db.t3.micro"], licenses: ["postgresql-license"] });
    expect(withClass(emptyWish, offer).instanceClass).toBe("db.t3.micro");
    expect(withClass({ ...emptyWish, instanceClass: "db.m6g.large" }, offer).instanceClass).toBe("db.m6g.large");
    expect(withClass(emptyWish, offerOf([{ DBInstanceClass: "db.r6g.large" }])).instanceClass).toBe("db.r6g.large");
    expect(withClass(emptyWish, offerOf([])).instanceClass).toBe("");
  });
});

describe("Modify", () => {
  const instance = {
    DBInstanceIdentifier: "orders",
    CACertificateIdentifier: "rds-ca-2019",
    AllocatedStorage: 20,
    Endpoint: { Port: 5432 },
    PreferredMaintenanceWindow: "sun:05:00-sun:05:30",
  };
  it("sends only what was changed", () => {
    const wish = wishOf(instance);
    expect(changesOf(instance, wish)).toEqual([]);
    const changes = changesOf(instance, { ...wish, authority: "rds-ca-ecc384-g1", deletionProtection: true });
    expect(changes.map(({ name, before, after, waits }) => [name, before, after, waits])).toEqual([
      ["Certificate authority", "rds-ca-2019", "rds-ca-ecc384-g1", true],
      ["Deletion protection", "Disabled", "Enabled", false],
    ]);
    expect(modifyInput("orders", changes, true)).toEqual({
      DBInstanceIdentifier: "orders",
      ApplyImmediately: true,
      CACertificateIdentifier: "rds-ca-ecc384-g1",
      DeletionProtection: true,
    });
  });
  it("keeps the certificate for the next restart where that was chosen", () => {
    const wish = { ...wishOf(instance), authority: "rds-ca-ecc384-g1", withoutRestart: true };
    expect(modifyInput("orders", changesOf(instance, wish), false)).toMatchObject({ CertificateRotationRestart: false });
  });
  it("shows no password", () => {
    const wish = { ...wishOf(instance), password: "12345678", confirmation: "12345678" };
    expect(JSON.stringify(changesOf(instance, wish).map(({ before, after }) => [before, after]))).not.toContain("12345678");
    expect(modifyProblems({ ...wish, confirmation: "" }).confirmation).toBeDefined();
  });
  it("knows what is pending", () => {
    expect(pendingChanges({ PendingModifiedValues: { CACertificateIdentifier: "rds-ca-2019", Port: 5433 } })).toEqual([
      { name: "Certificate authority", value: "rds-ca-2019" },
      { name: "Port", value: "5433" },
    ]);
  });
});

describe("Certificate update", () => {
  const row = { ...makeRow({ DBInstanceIdentifier: "orders", DBInstanceStatus: "available", CACertificateIdentifier: "rds-ca-2019" }), serial: "1" };
  const entry: BatchEntry = { identifier: "orders", serial: "1", outcome: "followed", problem: "" };
  it("says yes to what is pending, or asks for a CA", () => {
    expect(orderFor(row, ["ca-certificate-rotation"], "")).toMatchObject({ actions: ["ca-certificate-rotation"], authority: "" });
    expect(orderFor(row, ["ca-certificate-rotation"], "rds-ca-ecc384-g1")).toMatchObject({ actions: [], authority: "rds-ca-ecc384-g1" });
    expect(orderFor(row, [], "")).toMatchObject({ actions: [], authority: "rds-ca-2019" });
  });
  it("follows the certificate on the wire", () => {
    expect(progressOf({ ...entry, outcome: "waiting" }, row, true)).toBe("waiting");
    expect(progressOf(entry, row, true)).toBe("rotating");
    expect(progressOf(entry, { ...row, serial: "2", rotation: "in-progress" }, true)).toBe("rotating");
    expect(progressOf(entry, { ...row, serial: "2", rotation: "guarded" }, true)).toBe("rotated");
    expect(progressOf(entry, { ...row, rotation: "undone" }, true)).toBe("undone");
    expect(progressOf({ ...entry, outcome: "taken" }, { ...row, rotation: "undone" }, true)).toBe("rotating");
    expect(progressOf({ ...entry, outcome: "refused" }, row, true)).toBe("refused");
    expect(progressOf(entry, row, false)).toBe("scheduled");
  });
});

describe("errors", () => {
  const error = (name: string) => Object.assign(new Error("why"), { name });
  it("have the API's names, without what SDKs add", () => {
    expect(nameOf(error("DBInstanceNotFoundFault"))).toBe("DBInstanceNotFound");
    expect(troubleOf(error("AccessDenied")).kind).toBe("denied");
    expect(troubleOf(error("SignatureDoesNotMatch")).kind).toBe("signed-out");
    expect(troubleOf(error("TypeError")).kind).toBe("offline");
    expect(troubleOf(error("InvalidParameterValue"))).toMatchObject({ kind: "failed", title: "InvalidParameterValue", text: "why" });
  });
});
