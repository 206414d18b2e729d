import { useMemo, useSyncExternalStore } from "react";
import { type Route, hrefOf, readRoute } from "./routes";

function subscribe(changed: () => void) {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

/** The page that the address names. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  return useMemo(() => readRoute(hash), [hash]);
}

export function go(route: Route) {
  window.location.hash = hrefOf(route);
}
