import type { Regions } from "../model/trust";

/** Regions for a select, by partition. */
export function regionOptions(regions: Regions) {
  const partitions = [...new Set(regions.regions.map((region) => region.partition))];
  return partitions.map((partition) => ({
    label: partition,
    options: regions.regions
      .filter((region) => region.partition === partition)
      .map(({ name, title }) => ({ value: name, label: title, description: name, tags: [] as string[] })),
  }));
}
