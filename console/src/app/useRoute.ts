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
  goTo(hrefOf(route));
}

export function goTo(href: string) {
  window.location.hash = href;
}
