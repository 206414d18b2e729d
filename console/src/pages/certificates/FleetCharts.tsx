import BarChart from "@cloudscape-design/components/bar-chart";
import Box from "@cloudscape-design/components/box";
import PieChart from "@cloudscape-design/components/pie-chart";
import { useMemo } from "react";
import { byAuthority, byDaysLeft } from "../../model/charts";
import type { Row } from "../../model/row";

interface Props {
  rows: Row[];
  complete: boolean;
}

const empty = <Box color="text-body-secondary">There is no database yet.</Box>;

export function AuthorityChart({ rows, complete }: Props) {
  // The legend says it all: words beside the ring would run into it.
  const data = useMemo(() => {
    const percent = (value: number) => Math.round((value / rows.length) * 100);
    return byAuthority(rows).map(({ title, value }) => ({ title: `${title}: ${value.toLocaleString("en")} (${percent(value)} %)`, value }));
  }, [rows]);
  return (
    <PieChart
      data={data}
      variant="donut"
      size="medium"
      hideFilter
      innerMetricValue={rows.length.toLocaleString("en")}
      innerMetricDescription={rows.length === 1 ? "database" : "databases"}
      hideTitles
      hideDescriptions
      detailPopoverContent={({ value }) => [{ key: "Databases", value: value.toLocaleString("en") }]}
      statusType={complete || rows.length ? "finished" : "loading"}
      empty={empty}
      ariaLabel="Databases by certificate authority"
    />
  );
}

export function DaysLeftChart({ rows, complete, now }: Props & { now: number }) {
  const shares = useMemo(() => byDaysLeft(rows, now), [rows, now]);
  return (
    <BarChart
      series={[
        {
          title: "Databases",
          type: "bar",
          data: shares.map(({ title, value }) => ({ x: title, y: value })),
          valueFormatter: (value) => value.toLocaleString("en"),
        },
      ]}
      xScaleType="categorical"
      xDomain={shares.map(({ title }) => title)}
      yDomain={[0, Math.max(1, ...shares.map(({ value }) => value))]}
      horizontalBars
      hideFilter
      hideLegend
      height={260}
      yTickFormatter={(value) => (Number.isInteger(value) ? value.toLocaleString("en") : "")}
      statusType={complete || rows.length ? "finished" : "loading"}
      empty={rows.length === 0 && empty}
      ariaLabel="Databases by days to expiry of their certificate"
      xTitle="Days"
      yTitle="Databases"
    />
  );
}
