import AppLayout from "@cloudscape-design/components/app-layout";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Flashbar from "@cloudscape-design/components/flashbar";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import { Suspense, useEffect, useState } from "react";
import { RegionProvider } from "../data/RegionContext";
import { useUpdates } from "../data/useUpdates";
import type { Region } from "../model/trust";
import { Failure } from "../parts/Failure";
import { Loading } from "../parts/Loading";
import { regionOf, useSession } from "../session/SessionContext";
import { contentTypeOf, crumbsOf, pageOf } from "./pages";
import { useNotices } from "./notices";
import { type Route, hrefOf } from "./routes";
import type { useTheme } from "./theme";
import { TopBar } from "./TopBar";
import { useRoute } from "./useRoute";

type Theme = ReturnType<typeof useTheme>;

/** The frame around every page. */
export default function Shell({ theme }: { theme: Theme }) {
  const { regions } = useSession();
  const route = useRoute();
  const region = regionOf(regions, route.region);
  if (!region)
    return (
      <>
        <TopBar theme={theme} route={route} />
        <Box padding="xxl">
          <Failure error={new Error(`There is no region ${route.region} here: choose another above.`)} />
        </Box>
      </>
    );
  return (
    <RegionProvider key={region.name} region={region}>
      <TopBar theme={theme} route={route} region={region} />
      <Layout route={{ ...route, region: region.name }} region={region} />
    </RegionProvider>
  );
}

function Navigation({ route, region }: { route: Route; region: string }) {
  const updates = useUpdates();
  const databases = hrefOf({ page: "databases", region });
  const certificateUpdate = hrefOf({ page: "certificate-update", region });
  const isDatabases = route.page !== "certificates" && route.page !== "certificate-update";
  return (
    <SideNavigation
      header={{ text: region, href: databases }}
      activeHref={isDatabases ? databases : hrefOf(route)}
      items={[
        { type: "link", text: "Databases", href: databases },
        {
          type: "link",
          text: "Certificate update",
          href: certificateUpdate,
          ...(updates.length ? { info: <Badge color="red">{updates.length}</Badge> } : {}),
        },
        { type: "link", text: "Certificates", href: hrefOf({ page: "certificates", region }) },
      ]}
    />
  );
}

const wide = window.matchMedia("(min-width: 60rem)");

function Layout({ route, region }: { route: Route; region: Region }) {
  const { items } = useNotices();
  const [open, setOpen] = useState(wide.matches);
  const crumbs = crumbsOf(route);
  const title = crumbs.at(-1)?.text ?? "";
  useEffect(() => {
    const follow = () => setOpen(wide.matches);
    wide.addEventListener("change", follow);
    return () => wide.removeEventListener("change", follow);
  }, []);
  useEffect(() => {
    document.title = `${title} | ${region.name} | Sealwright`;
  }, [title, region.name]);
  return (
    <AppLayout
      headerSelector="#top"
      toolsHide
      navigationOpen={open}
      onNavigationChange={({ detail }) => setOpen(detail.open)}
      contentType={contentTypeOf(route)}
      navigation={<Navigation route={route} region={region.name} />}
      breadcrumbs={<BreadcrumbGroup items={crumbs} />}
      notifications={<Flashbar items={items} stackItems />}
      ariaLabels={{
        navigation: "Console",
        navigationClose: "Close navigation",
        navigationToggle: "Open navigation",
        notifications: "Notifications",
      }}
      content={
        <Suspense fallback={<Loading />}>{pageOf(route)}</Suspense>
      }
    />
  );
}
