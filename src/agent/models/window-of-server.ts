import { objectOf } from '../../core/json.ts';
import type { JsonValue } from '../../core/json.ts';
import type { HttpClient } from '../../core/ports.ts';
import { baseAddress } from './endpoint.ts';

/**
 * How many tokens a server of one's own says that it takes; null where it does not say (Ollama, most gateways). In the forms of vLLM, of
 * llama.cpp and of those that list their models with it.
 */
export async function windowOfServer(
  http: HttpClient,
  { endpoint, model, apiKey }: { readonly endpoint: string; readonly model: string; readonly apiKey: string | null },
  signal: AbortSignal,
): Promise<number | null> {
  const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  const get = async (url: string): Promise<JsonValue> => {
    const request = { method: 'GET', url, headers, timeoutMs: 5000, maxResponseBytes: 4 * 1024 * 1024, signal };
    try {
      const { status, body } = await http.send(request);
      return status === 200 ? (JSON.parse(body) as JsonValue) : null;
    } catch {
      // It is a question on the side.
      return null;
    }
  };
  const base = baseAddress(endpoint, '/v1');
  const { data } = objectOf(await get(`${base}/models`));
  const listed = (Array.isArray(data) ? data : []).map((each) => objectOf(each)).find(({ id }) => id === model) ?? {};
  const said = [listed['max_model_len'], listed['context_length'], listed['max_context_length']].find(isWindow);
  if (said !== undefined) return said;
  const { default_generation_settings: settings } = objectOf(await get(`${new URL(base).origin}/props`));
  const slot = objectOf(settings)['n_ctx'];
  return isWindow(slot) ? slot : null;
}

function isWindow(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
