/** Shorter ones (`It cannot be reached.`) may be said of two things. */
const shortest = 25;

/** The sentences of a text. What stands in quotes may be cut apart too. */
function sentencesOf(text: string): readonly string[] {
  return text.split(/(?<=[.!?]["')]?)\s+(?=["(\p{Lu}])/u);
}

/** Remembers what a report has said. */
export interface Said {
  /** The text without the sentences that were said before; empty where all of them were. */
  once(text: string): string;
  /** Whether these words stand in something that was said. */
  has(words: string): boolean;
}

export function createSaid(): Said {
  const said: string[] = [];
  const known = new Set<string>();
  return {
    once(text) {
      const fresh = sentencesOf(text).filter((sentence) => sentence.length < shortest || !known.has(sentence));
      for (const sentence of fresh) known.add(sentence);
      const kept = fresh.join(' ');
      said.push(kept);
      return kept;
    },
    has: (words) => said.some((text) => text.includes(words)),
  };
}
