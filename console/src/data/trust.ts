import type { Region, RegionIndex, Regions } from "../model/trust";

/** A file of the trust store, which is public: asked for without a signature. */
async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const reply = await fetch(path, { signal, credentials: "omit" });
  if (!reply.ok) throw new Error((await reply.text()).trim() || `${path}: status ${reply.status}`);
  return (await reply.json()) as T;
}

export function loadRegions(signal: AbortSignal): Promise<Regions> {
  return getJson<Regions>("/index.json", signal);
}

/** Fails while the region's authorities are still being made. */
export function loadRegionIndex(region: Region, signal: AbortSignal): Promise<RegionIndex> {
  return getJson<RegionIndex>(region.index, signal);
}

/** The address of a region's bundle in a format such as "pem". GovCloud's stand under their partition. */
export function bundlePath(region: Region, format: string): string {
  const folder = region.partition === "aws" ? "" : `/${region.partition}`;
  return `${folder}/${region.name}/${region.name}-bundle.${format}`;
}

/** One root of the region, as PEM. */
export function rootPath(region: Region, authority: string): string {
  return bundlePath(region, "pem").replace("-bundle.", `-${authority}.`);
}
