import { describe, expect, it } from "vitest";
import { type Route, hrefOf, inRegion, readRoute } from "../src/app/routes";

describe("addresses", () => {
  const routes: Route[] = [
    { page: "databases", region: "us-east-1" },
    { page: "database", region: "us-east-1", identifier: "orders", tab: "connectivity" },
    { page: "database", region: "us-east-1", identifier: "a/b #%?<x>", tab: "tags" },
    { page: "modify", region: "eu-west-1", identifier: "orders" },
    { page: "create", region: "us-east-1" },
    { page: "certificate-update", region: "us-gov-west-1" },
    { page: "certificates", region: "us-east-1" },
  ];
  it("are read as they were written", () => {
    for (const route of routes) expect(readRoute(hrefOf(route))).toEqual(route);
  });
  it("of the webhook's links are a database's", () => {
    expect(readRoute("#/databases/us-east-1/orders")).toEqual(routes[1]);
  });
  it("that name nothing are the list", () => {
    for (const hash of ["", "#", "#/", "#/nowhere", "#/databases"])
      expect(readRoute(hash)).toEqual({ page: "databases", region: "" });
    expect(readRoute("#/databases/us-east-1/%zz/nowhere")).toEqual({
      page: "database",
      region: "us-east-1",
      identifier: "%zz",
      tab: "connectivity",
    });
  });
  it("keep the page when the region changes, but for a single database", () => {
    expect(inRegion({ page: "certificates", region: "a" }, "b")).toEqual({ page: "certificates", region: "b" });
    expect(inRegion({ page: "modify", region: "a", identifier: "x" }, "b")).toEqual({ page: "databases", region: "b" });
  });
});
