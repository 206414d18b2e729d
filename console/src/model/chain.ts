import type { IndexedCertificate, RegionIndex } from "./trust";
import { commonName, rootOf } from "./trust";
import type { ServerCertificate } from "./rotation";

/** A certificate of the chain, as it is shown: the root first. */
export interface Link {
  role: "Root" | "Subordinate" | "Server certificate";
  name: string;
  sha256: string;
  serial: string;
  validFrom: string | undefined;
  validTill: string | undefined;
  key: string | undefined;
  signature: string | undefined;
}

function linkOf(role: Link["role"], certificate: IndexedCertificate): Link {
  const { subject, sha256, serial, valid_from, valid_till, key, signature } = certificate;
  return { role, name: commonName(subject), sha256, serial, validFrom: valid_from, validTill: valid_till, key, signature };
}

/** From the root to the server certificate. Where the region's index lacks one (its authorities are still being made)
 *  the chain is shorter. */
export function chainOf(
  served: ServerCertificate,
  host: string,
  validTill: Date | undefined,
  index: RegionIndex | undefined,
): Link[] {
  const root = index && rootOf(index, served.authority);
  const subordinate = index?.certificates.find(
    (each) =>
      each.role === "subordinate" && each.ca_identifier === served.authority && each.number === served.subordinate,
  );
  return [
    ...(root ? [linkOf("Root", root)] : []),
    ...(subordinate ? [linkOf("Subordinate", subordinate)] : []),
    {
      role: "Server certificate",
      name: host,
      sha256: served.sha256,
      serial: served.serial,
      validFrom: served.validFrom?.toISOString(),
      validTill: validTill?.toISOString(),
      key: subordinate?.key,
      signature: subordinate?.signature,
    },
  ];
}

/** As tools print fingerprints: "AB:CD:...". */
export function colons(hexadecimal: string): string {
  return hexadecimal.toUpperCase().match(/../g)?.join(":") ?? "";
}
