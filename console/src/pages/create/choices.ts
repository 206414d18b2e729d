import type { DBEngineVersion, OrderableDBInstanceOption } from "@aws-sdk/client-rds";
import type { CreateWish } from "../../model/create";

/** The versions of an engine, the newest first. */
export function versionsOf(versions: DBEngineVersion[], engine: string): DBEngineVersion[] {
  return versions
    .filter(({ Engine }) => Engine === engine)
    .sort((a, b) => (b.EngineVersion ?? "").localeCompare(a.EngineVersion ?? "", "en", { numeric: true }));
}

/** The wish with what follows from it where nothing was chosen: the first engine, its newest version. A CA that the
 *  version does not support is not asked for. */
export function withChoices(wish: CreateWish, versions: DBEngineVersion[]): CreateWish {
  const engine = wish.engine || (versions[0]?.Engine ?? "");
  const known = versionsOf(versions, engine);
  const version = known.find(({ EngineVersion }) => EngineVersion === wish.version) ?? known[0];
  const supported = version?.SupportedCACertificateIdentifiers;
  const authority = !supported || supported.includes(wish.authority) ? wish.authority : "";
  return { ...wish, engine, version: version?.EngineVersion ?? "", authority };
}

const smallest = "db.t3.micro";

export interface Offer {
  classes: string[];
  licenses: string[];
}

/** In what classes and with what licenses a version can be had. */
export function offerOf(options: OrderableDBInstanceOption[]): Offer {
  const unique = (values: (string | undefined)[]) => [...new Set(values.filter((value) => value !== undefined))];
  return {
    classes: unique(options.map(({ DBInstanceClass }) => DBInstanceClass)),
    licenses: unique(options.map(({ LicenseModel }) => LicenseModel)),
  };
}

/** The wish with the smallest class where none was chosen. */
export function withClass(wish: CreateWish, { classes }: Offer): CreateWish {
  const instanceClass = wish.instanceClass || (classes.find((each) => each === smallest) ?? classes[0] ?? "");
  return { ...wish, instanceClass };
}
