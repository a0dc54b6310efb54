/**
 * The one form of a webhook path (design 3.3): without one leading `/` and one leading `webhook/`, so that `alerts`,
 * `/alerts` and `/webhook/alerts` are the same. A server asks for the path of its request the same way.
 */
export function normalizeWebhookPath(path: string): string {
  const relative = path.startsWith('/') ? path.slice(1) : path;
  return relative.startsWith('webhook/') ? relative.slice('webhook/'.length) : relative;
}

/** A path of one namespace alone. A declared path holds no `@`, so no declared path is ever one of these. */
export function namespacedPath(namespace: string, path: string): string {
  return `@${namespace}/${path}`;
}

/** Where a server serves it: `/webhook/alerts`, `/webhook/@shop/alerts`. */
export function webhookAddress(path: string): string {
  return `/webhook/${path}`;
}
