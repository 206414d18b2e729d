/** The trust store's public indexes: /index.json, and of each region /<partition>/<region>/index.json. */

export interface Region {
  name: string;
  title: string;
  partition: string;
  index: string;
}

export interface Regions {
  home_region: string;
  regions: Region[];
}

export interface IndexedCertificate {
  ca_identifier: string;
  region: string;
  role: "root" | "subordinate";
  number: number;
  subject: string;
  issuer: string;
  serial: string;
  sha1: string;
  sha256: string;
  valid_from: string;
  valid_till: string;
  key: string;
  signature: string;
}

export interface IndexedBundle {
  path: string;
  format: "pem" | "p7b" | "jks" | "p12";
  sha256: string;
  bytes: number;
  certificates: number;
}

export interface RegionIndex {
  certificates: IndexedCertificate[];
  bundles: IndexedBundle[];
}

/** The common name of a subject in RFC 2253's form. */
export function commonName(subject: string): string {
  return /(?:^|,)CN=((?:\\.|[^,\\])*)/.exec(subject)?.[1]?.replace(/\\(.)/g, "$1") ?? subject;
}

/** "SHA256" of "sha256WithRSAEncryption" and of "ecdsa-with-SHA256". */
export function digestOf(signature: string): string {
  return /sha(\d{3})/i.exec(signature)?.[1]?.replace(/^/, "SHA") ?? signature;
}

export function rootOf(index: RegionIndex, authority: string): IndexedCertificate | undefined {
  return index.certificates.find((each) => each.role === "root" && each.ca_identifier === authority);
}
