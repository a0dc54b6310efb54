import type { Catalog, CatalogSource, SecretReference } from '../../core/catalog.ts';
import type { ChatMessage } from './message.ts';

/** What a chat Source is, compiled. */
export interface ChatSettings {
  readonly trigger: 'mention' | 'command';
  /** An id, or a name without `#`. */
  readonly channel: string;
  readonly command: string | null;
  /** Of the Web API, without a slash at the end. */
  readonly endpoint: string;
  /** Null: events come by HTTP. */
  readonly appToken: SecretReference | null;
  readonly botToken: SecretReference | null;
  /** Secrets that only Sources of one app share, `app slack/app`. */
  readonly apps: readonly string[];
}

export function settingsOf(source: CatalogSource): ChatSettings {
  return source.settings as ChatSettings;
}

/**
 * The Source that a message is for: of those of the same app, which gets all of its events on one of its connections, whichever. The first by
 * name where there are several; undefined where there is none.
 */
export function addressee(catalog: Catalog, receiver: CatalogSource, message: ChatMessage): CatalogSource | undefined {
  const { apps } = settingsOf(receiver);
  return catalog.sources
    .filter(({ type, namespace }) => type === receiver.type && namespace === receiver.namespace)
    .filter((source) => source.leaving !== true && source.triggerWorkflow !== '' && source.settings !== null)
    .filter((source) => settingsOf(source).apps.some((app) => apps.includes(app)) && wants(settingsOf(source), message))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))[0];
}

function wants({ trigger, channel, command }: ChatSettings, message: ChatMessage): boolean {
  if (trigger !== message.trigger) return false;
  if (message.channel !== channel && message.channelName !== channel) return false;
  return trigger === 'mention' || command === message.command;
}
