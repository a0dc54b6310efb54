/** Whether a text speaks of a name: it stands there whole, not as a part of a longer one (`app` in `app-sidecar`). */
export function hasName(text: string, name: string): boolean {
  if (name === '') return false;
  for (let start = text.indexOf(name); start >= 0; start = text.indexOf(name, start + 1))
    if (!isPart(text[start - 1]) && !isPart(text[start + name.length])) return true;
  return false;
}

const isPart = (character: string | undefined): boolean => /[\w-]/.test(character ?? '');
