import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Transport } from '@modelcontextprotocol/client';
import type { Cleanup } from './cleanup.ts';

// Assistants as the library of the protocol makes them.

/** `auto`: the newest revision; `legacy`: those of 2025, which begin with `initialize`. */
export const revisions = ['auto', 'legacy'] as const;
export type Revision = (typeof revisions)[number];

/** What a tool answered, as text. */
export interface Told {
  readonly text: string;
  readonly isError: boolean;
}

/** An assistant that is connected; it hangs up with `cleanup`. */
export async function connectAssistant(transport: Transport, cleanup: Cleanup, mode: Revision = 'auto') {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  cleanup.defer(() => client.close());
  return {
    client,
    call: async (name: string, input: object = {}, signal?: AbortSignal): Promise<Told> => {
      const options = signal === undefined ? {} : { signal };
      const result = await client.callTool({ name, arguments: { ...input } }, options);
      const [block] = result.content as readonly { readonly text?: string }[];
      return { text: block?.text ?? '', isError: result.isError === true };
    },
  };
}

export function httpTransport(url: string, token: string, headers: Record<string, string> = {}): Transport {
  return new StreamableHTTPClientTransport(new URL('/mcp', url), {
    requestInit: { headers: { authorization: `Bearer ${token}`, ...headers } },
  });
}

/** The lines of data in an answer, each JSON. */
export function dataOf({ text }: Told): readonly Readonly<Record<string, unknown>>[] {
  return blockOf(text)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What stands in the block of an answer. */
export function blockOf(text: string): string {
  return /^<<data (\w+) from [^\n]*>>\n(.*)\n<<end \1>>$/ms.exec(text)?.[2] ?? '';
}
