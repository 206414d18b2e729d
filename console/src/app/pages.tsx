import { type ReactNode, lazy } from "react";
import { DatabasePage } from "../pages/database/DatabasePage";
import { DatabasesPage } from "../pages/databases/DatabasesPage";
import { type Route, hrefOf } from "./routes";

// What most visits do not need is fetched when it is.
const CertificatesPage = lazy(() => import("../pages/certificates/CertificatesPage"));
const CreatePage = lazy(() => import("../pages/create/CreatePage"));
const ModifyPage = lazy(() => import("../pages/modify/ModifyPage"));
const UpdatePage = lazy(() => import("../pages/update/UpdatePage"));

export function pageOf(route: Route): ReactNode {
  switch (route.page) {
    case "databases":
      return <DatabasesPage />;
    case "database":
      return <DatabasePage key={route.identifier} identifier={route.identifier} tab={route.tab} />;
    case "modify":
      return <ModifyPage key={route.identifier} identifier={route.identifier} />;
    case "create":
      return <CreatePage />;
    case "certificate-update":
      return <UpdatePage />;
    case "certificates":
      return <CertificatesPage />;
  }
}

export function contentTypeOf(route: Route) {
  const forms: Route["page"][] = ["create", "modify"];
  const tables: Route["page"][] = ["databases", "certificate-update"];
  return forms.includes(route.page) ? "form" : tables.includes(route.page) ? "table" : "default";
}

const titles = {
  databases: "Databases",
  create: "Create database",
  "certificate-update": "Certificate update",
  certificates: "Certificates",
} as const;

/** The way to a page, itself last. */
export function crumbsOf(route: Route): { text: string; href: string }[] {
  const databases = { text: titles.databases, href: hrefOf({ page: "databases", region: route.region }) };
  const here = hrefOf(route);
  switch (route.page) {
    case "databases":
      return [databases];
    case "database":
      return [databases, { text: route.identifier, href: here }];
    case "modify": {
      const { region, identifier } = route;
      const database = { text: identifier, href: hrefOf({ page: "database", region, identifier, tab: "connectivity" }) };
      return [databases, database, { text: "Modify", href: here }];
    }
    case "create":
      return [databases, { text: titles.create, href: here }];
    default:
      return [{ text: titles[route.page], href: here }];
  }
}
