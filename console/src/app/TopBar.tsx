import TopNavigation from "@cloudscape-design/components/top-navigation";
import type { Region } from "../model/trust";
import { regionOptions } from "../parts/regionOptions";
import { useSession } from "../session/SessionContext";
import { hrefOf, inRegion, type Route } from "./routes";
import type { useTheme } from "./theme";

interface Props {
  theme: ReturnType<typeof useTheme>;
  route: Route;
  region?: Region;
}

/** Region, light or dark, and who is signed in. */
export function TopBar({ theme, route, region }: Props) {
  const { key, regions, signOut } = useSession();
  return (
    <div id="top">
      <TopNavigation
        identity={{ href: hrefOf({ page: "databases", region: route.region }), title: "Sealwright" }}
        utilities={[
          {
            type: "menu-dropdown",
            text: region?.title ?? "Choose a region",
            ariaLabel: `Region: ${region?.title ?? "none"}`,
            items: regionOptions(regions).map(({ label, options }) => ({
              text: label,
              items: options.map((option) => ({
                id: option.value,
                text: option.label,
                description: option.description,
                href: hrefOf(inRegion(route, option.value)),
              })),
            })),
          },
          {
            type: "button",
            text: theme.isDark ? "Light" : "Dark",
            ariaLabel: theme.isDark ? "Show in light colours" : "Show in dark colours",
            onClick: theme.toggle,
          },
          {
            type: "menu-dropdown",
            iconName: "user-profile",
            text: key.accessKeyId,
            ariaLabel: `Signed in with access key ${key.accessKeyId}`,
            items: [{ id: "sign-out", text: "Sign out" }],
            onItemClick: ({ detail }) => detail.id === "sign-out" && signOut(),
          },
        ]}
      />
    </div>
  );
}
