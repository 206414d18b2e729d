/** Replies that come in pages, each of which names where the next begins. */
export interface Page {
  Marker?: string | undefined;
}

/** Asks for page after page until the last one or `signal`; `take` gets each as it comes. */
export async function eachPage<P extends Page>(
  ask: (marker: string | undefined) => Promise<P>,
  take: (page: P) => void,
  signal?: AbortSignal,
) {
  let marker: string | undefined;
  do {
    const page = await ask(marker);
    if (signal?.aborted) return;
    take(page);
    marker = page.Marker;
  } while (marker);
}
