/**
 * The one form of a webhook path (design 3.3): without one leading `/` and one leading `webhook/`, so that `alerts`,
 * `/alerts` and `/webhook/alerts` are the same. A server asks for the path of its request the same way.
 */
export function normalizeWebhookPath(path: string): string {
  const relative = path.startsWith('/') ? path.slice(1) : path;
  return relative.startsWith('webhook/') ? relative.slice('webhook/'.length) : relative;
}
