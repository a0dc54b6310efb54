/** Whether a path is one of a route. */
export function matchesPath(routePath: string, path: string): boolean {
  const pattern = routePath.split('/');
  const segments = path.split('/');
  const hasRest = pattern.at(-1) === '*';
  if (hasRest ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every(
    (part, index) => part === '*' || part === segments[index] || (part.startsWith(':') && segments[index] !== ''),
  );
}
