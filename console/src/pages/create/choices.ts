import type { DBEngineVersion } from "@aws-sdk/client-rds";
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
