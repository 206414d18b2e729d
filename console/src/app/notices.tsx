import type { FlashbarProps } from "@cloudscape-design/components/flashbar";
import { type ReactNode, createContext, use, useCallback, useMemo, useState } from "react";
import { troubleOf } from "../api/words";

/** Messages above the page: what an action has led to. */
interface Notices {
  items: FlashbarProps.MessageDefinition[];
  tell: (type: "success" | "info" | "warning", header: string, content?: string) => void;
  tellFailure: (header: string, error: unknown) => void;
}

const NoticesContext = createContext<Notices | undefined>(undefined);

export function useNotices(): Notices {
  const notices = use(NoticesContext);
  if (!notices) throw new Error("there are no notices above this component");
  return notices;
}

let last = 0;

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([]);
  const add = useCallback((type: FlashbarProps.Type, header: string, content?: string) => {
    const id = String(++last);
    const onDismiss = () => setItems((before) => before.filter((item) => item.id !== id));
    setItems((before) => [{ id, type, header, content, dismissible: true, dismissLabel: "Dismiss", onDismiss }, ...before].slice(0, 5));
  }, []);
  const notices = useMemo(
    () => ({
      items,
      tell: add,
      tellFailure: (header: string, error: unknown) => {
        const { title, text } = troubleOf(error);
        add("error", header, `${title}: ${text}`);
      },
    }),
    [items, add],
  );
  return <NoticesContext value={notices}>{children}</NoticesContext>;
}
