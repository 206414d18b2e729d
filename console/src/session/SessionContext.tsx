import { createContext, use } from "react";
import type { Region, Regions } from "../model/trust";
import type { AccessKey } from "./key";

/** Who is signed in, and the regions there are. */
export interface Session {
  key: AccessKey;
  regions: Regions;
  signOut: () => void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("there is no session above this component");
  return session;
}

/** The region of that name; the home region when it is empty. */
export function regionOf(regions: Regions, name: string): Region | undefined {
  return regions.regions.find((region) => region.name === (name || regions.home_region));
}
