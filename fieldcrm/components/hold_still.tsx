// The part of a page that stands still while something is dragged (see still_store.ts).
import { type ReactNode, useContext, useEffect, useMemo } from "react";
import { StateStoreContext } from "$/utils/context";
import { join, type Store, StillStore } from "$/public/external/fieldcrm/components/dragging/still_store.ts";

export function HoldStill({ children }: { children?: ReactNode }) {
  const live = useContext(StateStoreContext) as Store;
  const still = useMemo(() => new StillStore(live), [live]);
  useEffect(() => join(still), [still]);
  return <StateStoreContext.Provider value={still}>{children}</StateStoreContext.Provider>;
}
