import type { Certificate } from "@aws-sdk/client-rds";
import { formatDate } from "./time";
import { type RegionIndex, digestOf, rootOf } from "./trust";

/** A CA as it is offered for a choice. */
export interface AuthorityChoice {
  identifier: string;
  isDefault: boolean;
  /** "RSA 2048, SHA256"; "" while the region's index is not known. */
  algorithm: string;
  validTill: Date | undefined;
}

/** The CAs to choose from: those of the region that the engine version supports (all, where it does not say). */
export function authorityChoices(
  certificates: Certificate[],
  defaultIdentifier: string | undefined,
  supported: string[] | undefined,
  index: RegionIndex | undefined,
): AuthorityChoice[] {
  return certificates
    .filter(({ CertificateIdentifier = "" }) => !supported || supported.includes(CertificateIdentifier))
    .map(({ CertificateIdentifier = "", ValidTill }) => {
      const root = index && rootOf(index, CertificateIdentifier);
      return {
        identifier: CertificateIdentifier,
        isDefault: CertificateIdentifier === defaultIdentifier,
        algorithm: root ? `${root.key}, ${digestOf(root.signature)}` : "",
        validTill: ValidTill,
      };
    });
}

export function authorityOption({ identifier, isDefault, algorithm, validTill }: AuthorityChoice) {
  return {
    value: identifier,
    label: isDefault ? `${identifier} (default)` : identifier,
    description: [algorithm, `Expires ${formatDate(validTill)}`].filter(Boolean).join(" · "),
  };
}
