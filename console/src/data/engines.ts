import {
  type DBEngineVersion,
  type DBParameterGroup,
  DescribeDBEngineVersionsCommand,
  DescribeDBParameterGroupsCommand,
  DescribeOrderableDBInstanceOptionsCommand,
  type OrderableDBInstanceOption,
} from "@aws-sdk/client-rds";
import { useCallback } from "react";
import { eachPage } from "../api/pages";
import { nameOf } from "../api/words";
import { useRegion } from "./RegionContext";
import { useLive } from "./useLive";

/** Engine versions that can be had here. */
export function useEngineVersions() {
  const { client } = useRegion();
  return useLive(
    useCallback(
      async (signal: AbortSignal) => {
        const versions: DBEngineVersion[] = [];
        await eachPage(
          (Marker) => client.send(new DescribeDBEngineVersionsCommand({ Marker, MaxRecords: 100 }), { abortSignal: signal }),
          (page) => versions.push(...(page.DBEngineVersions ?? [])),
          signal,
        );
        return versions.filter(({ Status }) => Status === "available");
      },
      [client],
    ),
  );
}

/** In what classes an engine version can be had; none while it is not known. */
export function useOrderableOptions(Engine: string, EngineVersion: string) {
  const { client } = useRegion();
  return useLive(
    useCallback(
      async (signal: AbortSignal) => {
        const options: OrderableDBInstanceOption[] = [];
        if (!Engine) return options;
        await eachPage(
          (Marker) =>
            client.send(new DescribeOrderableDBInstanceOptionsCommand({ Engine, EngineVersion, Marker, MaxRecords: 1000 }), {
              abortSignal: signal,
            }),
          (page) => options.push(...(page.OrderableDBInstanceOptions ?? [])),
          signal,
        );
        return options;
      },
      [client, Engine, EngineVersion],
    ),
  );
}

/** The parameter groups of the region; none where the server has no such groups. */
export function useParameterGroups() {
  const { client } = useRegion();
  return useLive(
    useCallback(
      async (signal: AbortSignal) => {
        const groups: DBParameterGroup[] = [];
        try {
          await eachPage(
            (Marker) => client.send(new DescribeDBParameterGroupsCommand({ Marker, MaxRecords: 100 }), { abortSignal: signal }),
            (page) => groups.push(...(page.DBParameterGroups ?? [])),
            signal,
          );
        } catch (error) {
          if (nameOf(error) !== "InvalidAction") throw error;
        }
        return groups;
      },
      [client],
    ),
  );
}
