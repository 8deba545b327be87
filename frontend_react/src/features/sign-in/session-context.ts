import { createContext, use, useSyncExternalStore } from "react";
import type { Account, Session } from "./session";

/** Null where sign-in is off. */
export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) {
    throw new Error("useSession is used where sign-in is off");
  }
  return session;
}

const neverChanges = () => () => undefined;

/** Who is signed in; null where sign-in is off. */
export function useAccount(): Account | null {
  const session = use(SessionContext);
  return useSyncExternalStore(session?.subscribe ?? neverChanges, () => session?.snapshot() ?? null);
}
