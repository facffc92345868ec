/**
 * Versions of custom objects that a webhook converts. What it said of an object is kept as long as the object is, so an
 * object is asked about once per version.
 *
 * Source: API reference, apiextensions.k8s.io/v1 ConversionReview; wording as the API server's webhook converter.
 */
import type { Random } from '#base/random.ts';
import type { WebhookConversion as Configuration } from '#api/apiextensions/custom-resource-definition.ts';
import { DecodeError, decodeDraft, deepFreeze } from '#apimachinery/decode.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, internalError } from '#apimachinery/status-error.ts';
import { goType } from '../go-type.ts';
import type { WebhookClient } from '../../webhooks/webhook-client.ts';
import { WebhookCallError } from '../../webhooks/webhook-client.ts';

export interface WebhookConversionDependencies {
  readonly webhooks: WebhookClient;
  readonly configuration: Configuration;
  readonly random: Random;
  /** The kind of a version, to complete what the webhook answers. */
  readonly kindOf: (apiVersion: string) => ResourceKind | undefined;
}

/** As upstream: a webhook that does not answer in this time has failed. */
const timeoutMs = 30_000;
/** Objects per review, so that a review stays well below what webhooks take. */
const maxObjects = 500;

/** The answer is not one. */
class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

export class WebhookConversion {
  readonly #dependencies: WebhookConversionDependencies;
  readonly #converted = new WeakMap<KubeObject, Map<string, KubeObject>>();

  constructor(dependencies: WebhookConversionDependencies) {
    this.#dependencies = dependencies;
  }

  /** Makes ready what the objects are in `apiVersion`. Throws a 500 when the webhook fails. */
  async load(objects: readonly KubeObject[], apiVersion: string): Promise<void> {
    const missing = objects.filter((object) => object.apiVersion !== apiVersion && !this.#isKnown(object, apiVersion));
    for (let from = 0; from < missing.length; from += maxObjects) await this.#ask(missing.slice(from, from + maxObjects), apiVersion);
  }

  /** What was said of a draft holds no longer: it may have changed since, and may have become the object that is stored. */
  #isKnown(object: KubeObject, apiVersion: string): boolean {
    const made = this.#converted.get(object)?.get(apiVersion);
    return made !== undefined && Object.isFrozen(object) && Object.isFrozen(made);
  }

  /** What `load` has made ready. */
  converted(object: KubeObject, apiVersion: string): KubeObject {
    if (object.apiVersion === apiVersion) return object;
    const found = this.#converted.get(object)?.get(apiVersion);
    if (found === undefined) throw internalError(new Error(`${object.kind} ${object.metadata.name} has not been converted to ${apiVersion}`));
    return found;
  }

  async #ask(objects: readonly KubeObject[], apiVersion: string): Promise<void> {
    const { webhooks, configuration, random } = this.#dependencies;
    const [first] = objects;
    if (first === undefined) return;
    const version = configuration.conversionReviewVersions.find((each) => each === 'v1' || each === 'v1beta1') ?? 'v1';
    const uid = random.uuid();
    const body = { kind: 'ConversionReview', apiVersion: `apiextensions.k8s.io/${version}`, request: { uid, desiredAPIVersion: apiVersion, objects } };
    // As upstream: an error without a reason of its own.
    const failed = (why: string): Error => new StatusError(500, '', `conversion webhook for ${first.apiVersion}, Kind=${first.kind} ${why}`);
    try {
      const answer = await webhooks.call({ client: configuration.clientConfig ?? {}, body, timeoutMs, query: 'timeout=30s' });
      const converted = objectsIn(answer, { uid, version });
      if (converted.length !== objects.length) throw failed(`returned ${converted.length} objects, expected ${objects.length}`);
      for (const [index, object] of objects.entries()) this.#keep(object, apiVersion, converted[index], index, failed);
    } catch (error) {
      if (error instanceof WebhookCallError || error instanceof AnswerError) throw failed(`failed: ${error.message}`);
      throw error;
    }
  }

  #keep(object: KubeObject, apiVersion: string, answer: unknown, index: number, failed: (why: string) => Error): void {
    const invalid = (why: string): Error => failed(`returned invalid object at index ${index}: ${why}`);
    if (!isJsonObject(answer)) throw invalid('it is no object');
    if (answer['apiVersion'] !== apiVersion) throw invalid(`invalid groupVersion (expected ${apiVersion}, received ${textOf(answer['apiVersion'])})`);
    if (answer['kind'] !== object.kind) throw invalid(`invalid kind (expected ${object.kind}, received ${textOf(answer['kind'])})`);
    const metadata = answer['metadata'] ?? {};
    if (!isJsonObject(metadata)) throw failed('returned invalid object: invalid metadata of type ' + typeof metadata + ' in converted object');
    for (const key of ['name', 'namespace', 'uid'] as const) {
      if ((metadata[key] ?? '') !== (object.metadata[key] ?? '')) throw failed(`returned invalid object: must have the same ${key === 'uid' ? 'UID' : key}: ${object.metadata[key] ?? ''} != ${textOf(metadata[key])}`);
    }
    const kind = this.#dependencies.kindOf(apiVersion);
    // Of the metadata, a webhook may change labels and annotations.
    const { labels: _labels, annotations: _annotations, ...kept } = object.metadata;
    const { labels, annotations } = metadata;
    for (const [path, map] of [['metadata.labels', labels], ['metadata.annotations', annotations]] as const) {
      const wrong = isJsonObject(map) ? Object.keys(map).find((key) => typeof map[key] !== 'string') : undefined;
      if (wrong !== undefined && isJsonObject(map)) throw failed(`returned invalid metadata: ${path}[${wrong}] must be a string, but is ${goType(map[wrong])} in converted object`);
    }
    const whole = { ...answer, metadata: { ...kept, ...(labels !== undefined && { labels }), ...(annotations !== undefined && { annotations }) } } as unknown as JsonObject;
    let made: KubeObject;
    try {
      made = kind === undefined ? (whole as unknown as KubeObject) : decodeDraft(kind, whole);
    } catch (error) {
      if (error instanceof DecodeError) throw invalid(error.message);
      throw error;
    }
    // Drafts stay drafts.
    if (Object.isFrozen(object)) deepFreeze(made);
    const versions = this.#converted.get(object) ?? new Map<string, KubeObject>();
    versions.set(apiVersion, made);
    this.#converted.set(object, versions);
  }
}

function objectsIn(answer: unknown, { uid, version }: { readonly uid: string; readonly version: string }): readonly unknown[] {
  if (!isJsonObject(answer)) throw new AnswerError('the answer is no ConversionReview');
  const { apiVersion, kind, response } = answer;
  if (version === 'v1' && (apiVersion !== 'apiextensions.k8s.io/v1' || kind !== 'ConversionReview')) {
    throw new AnswerError(`expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${textOf(apiVersion) || '/'}, Kind=${textOf(kind)}`);
  }
  if (!isJsonObject(response)) throw new AnswerError('no response provided');
  if (version === 'v1' && response['uid'] !== uid) throw new AnswerError(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`);
  const result = isJsonObject(response['result']) ? response['result'] : {};
  if (result['status'] !== 'Success') {
    const message = result['message'];
    throw new AnswerError(typeof message === 'string' && message !== '' ? message : `response.result.status was '${textOf(result['status'])}', not 'Success'`);
  }
  const converted = response['convertedObjects'];
  return Array.isArray(converted) ? (converted as readonly unknown[]) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
}
