import { DescribeEventsCommand } from "@aws-sdk/client-rds";
import { useCallback } from "react";
import { eachPage } from "../api/pages";
import { useRegion } from "./RegionContext";
import { type Live, useLive } from "./useLive";

const twoWeeks = 14 * 24 * 60; // minutes
const often = 10 * 1000; // ms

/** The last event of the category "failure" of each instance: what clients have refused, and who. */
export function useFailures(): Live<Map<string, string>> {
  const { client } = useRegion();
  return useLive(
    useCallback(
      async (signal: AbortSignal) => {
        const last = new Map<string, string>();
        const input = { SourceType: "db-instance" as const, EventCategories: ["failure"], Duration: twoWeeks };
        await eachPage(
          (Marker) => client.send(new DescribeEventsCommand({ ...input, Marker }), { abortSignal: signal }),
          (page) => page.Events?.forEach(({ SourceIdentifier = "", Message = "" }) => last.set(SourceIdentifier, Message)),
          signal,
        );
        return last;
      },
      [client],
    ),
    often,
  );
}
