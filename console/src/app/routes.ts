/** Which page an address shows. Addresses are behind the '#': the server serves one page. */

export const databaseTabs = ["connectivity", "events", "maintenance", "configuration", "tags"] as const;
export type DatabaseTab = (typeof databaseTabs)[number];

/** A region of "" is the one to be chosen: the home region. */
export type Route =
  | { page: "databases"; region: string }
  | { page: "database"; region: string; identifier: string; tab: DatabaseTab }
  | { page: "modify"; region: string; identifier: string }
  | { page: "create"; region: string }
  | { page: "certificate-update"; region: string }
  | { page: "certificates"; region: string };

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a '%' of its own
  }
}

function isTab(text: string | undefined): text is DatabaseTab {
  return databaseTabs.some((tab) => tab === text);
}

/** Reads location.hash, such as "#/databases/us-east-1/orders/tags". What it does not know is the list. */
export function readRoute(hash: string): Route {
  const [first, region = "", identifier, detail] = hash.replace(/^#?\/?/, "").split("/").map(decode);
  if (first === "create" || first === "certificate-update" || first === "certificates") return { page: first, region };
  if (!identifier) return { page: "databases", region };
  if (detail === "modify") return { page: "modify", region, identifier };
  return { page: "database", region, identifier, tab: isTab(detail) ? detail : "connectivity" };
}

/** The address of a page, for links. */
export function hrefOf(route: Route): string {
  const part = encodeURIComponent;
  switch (route.page) {
    case "database": {
      const base = `#/databases/${part(route.region)}/${part(route.identifier)}`;
      return route.tab === "connectivity" ? base : `${base}/${route.tab}`;
    }
    case "modify":
      return `#/databases/${part(route.region)}/${part(route.identifier)}/modify`;
    default:
      return `#/${route.page}/${part(route.region)}`;
  }
}

/** The same page in another region: of one database, the list there. */
export function inRegion(route: Route, region: string): Route {
  return route.page === "database" || route.page === "modify" ? { page: "databases", region } : { ...route, region };
}
