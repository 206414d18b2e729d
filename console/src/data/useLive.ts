import { useCallback, useEffect, useRef, useState } from "react";

/** What a page knows of something that the server tells, and how to ask again. */
export interface Live<T> {
  data: T | undefined;
  /** Of the last try; data from before is kept. */
  error: unknown;
  /** Nothing is known yet. */
  loading: boolean;
  refresh: () => Promise<void>;
}

/** Asks at once, and again every `interval` ms while the page is looked at (0: never). `load` must be stable; another
 *  one starts over. */
export function useLive<T>(load: (signal: AbortSignal) => Promise<T>, interval = 0): Live<T> {
  const [state, setState] = useState<{ load: unknown; data?: T; error?: unknown }>({ load });
  const asking = useRef(0);
  const stopped = useRef<AbortSignal>(undefined);

  const ask = useCallback(
    async (signal: AbortSignal) => {
      const turn = ++asking.current;
      const isStale = () => signal.aborted || turn !== asking.current;
      try {
        const data = await load(signal);
        if (!isStale()) setState({ load, data });
      } catch (error) {
        if (!isStale()) setState((before) => ({ load, error, ...(before.load === load && before.data !== undefined ? { data: before.data } : {}) }));
      }
    },
    [load],
  );

  useEffect(() => {
    const end = new AbortController();
    stopped.current = end.signal;
    void ask(end.signal);
    const timer = interval ? window.setInterval(() => document.hidden || void ask(end.signal), interval) : 0;
    return () => {
      window.clearInterval(timer);
      end.abort();
    };
  }, [ask, interval]);

  const refresh = useCallback(async () => {
    if (stopped.current) await ask(stopped.current);
  }, [ask]);

  const current = state.load === load ? state : undefined;
  return {
    data: current?.data,
    error: current?.error,
    loading: current?.data === undefined && current?.error === undefined,
    refresh,
  };
}
