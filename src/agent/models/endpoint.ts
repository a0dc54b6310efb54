/**
 * Address that paths are added to: what a person wrote, without a slash at the end and without the path of a request
 * (`/chat/completions`) that was copied with it; `version` stands behind an address without a path.
 */
export function baseAddress(endpoint: string, version: string): string {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(?:chat\/completions|messages|responses)$/, '');
  return `${url.origin}${path === '' ? version : path}`;
}
