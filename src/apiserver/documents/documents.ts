/** Everything that is served besides resources: discovery, OpenAPI, the version, token keys. */
import { createHash } from 'node:crypto';
import type { DiscoveryVersion } from '#apimachinery/discovery.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '#apimachinery/discovery.ts';
import type { Clock } from '#base/clock.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import type { ApiCall, ApiResult, JsonResult } from '../request/api-call.ts';
import { acceptedTypes } from '#serving/accepted-types.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import type { OpenApiDocuments } from './openapi-answer.ts';
import type { VersionInfo } from './version.ts';

export interface DocumentDependencies {
  readonly kinds: ServedKinds;
  readonly issuer: TokenIssuer;
  /** Where clients reach the server, `host:port`. */
  readonly address: () => string;
  /** Whether discovery tells by hashes in which version things are stored. Default: it does. */
  readonly hashesVersions?: boolean | undefined;
  /** Whether there is /logs. */
  readonly showsLogs: boolean;
  readonly clock: Clock;
  readonly version: VersionInfo;
}

/**
 * Documents are made when first asked for and again when the served kinds change; those of OpenAPI, which are large and
 * seldom asked for, each time.
 */
export class Documents {
  readonly #dependencies: DocumentDependencies;
  #made = new Map<string, object | undefined>();
  readonly #etags = new WeakMap<object, string>();
  #generation = -1;
  #openApi: Promise<OpenApiDocuments> | undefined;

  constructor(dependencies: DocumentDependencies) {
    this.#dependencies = dependencies;
  }

  /** The document at a path; undefined when there is none. */
  async find(call: ApiCall): Promise<ApiResult | undefined> {
    const { kinds } = this.#dependencies;
    if (kinds.generation !== this.#generation) {
      this.#made = new Map();
      this.#generation = kinds.generation;
    }
    const path = pathOf(call);
    if (isOpenApi(path)) {
      const document = await (await this.#openApiDocuments()).find(path);
      return document === undefined ? undefined : { is: 'json', code: 200, body: document };
    }
    const aggregated = path === '/api' || path === '/apis' ? aggregatedForm(call.accept) : undefined;
    const key = aggregated === undefined ? path : `${path} ${aggregated.version}`;
    if (!this.#made.has(key)) this.#made.set(key, this.#make(key));
    const body = this.#made.get(key);
    if (body === undefined) return undefined;
    const headers = headersOf(path, aggregated);
    return { is: 'json', code: 200, body, ...(headers !== undefined && { headers }), ...((path === '/' || path === '/version') && { isPretty: true }) };
  }

  /**
   * What is sent of a document that `find` found, or that was added to or made elsewhere since: OpenAPI documents in the
   * form asked for, aggregated discovery with its ETag, others as they are.
   */
  async finish(call: ApiCall, result: ApiResult | undefined): Promise<ApiResult | undefined> {
    const path = pathOf(call);
    if (result?.is !== 'json' || result.code !== 200) return result;
    if (result.headers?.['content-type']?.includes('as=APIGroupDiscoveryList') === true) return { ...result, headers: { ...result.headers, etag: this.#etagOf(result.body) } };
    if (!isOpenApi(path)) return result;
    return (await this.#openApiDocuments()).answer(call, path, result.body as JsonObject);
  }

  #etagOf(body: object): string {
    let etag = this.#etags.get(body);
    if (etag === undefined) {
      etag = `"${createHash('sha512').update(JSON.stringify(body)).digest('hex').toUpperCase()}"`;
      this.#etags.set(body, etag);
    }
    return etag;
  }

  /** Loaded only when somebody asks. */
  #openApiDocuments(): Promise<OpenApiDocuments> {
    return (this.#openApi ??= import('./openapi-answer.ts').then((loaded) => new loaded.OpenApiDocuments(this.#dependencies)));
  }

  #make(key: string): object | undefined {
    const { issuer } = this.#dependencies;
    const kinds = this.#dependencies.kinds.all();
    switch (key) {
      case '/':
        return { paths: [...new Set([...ownPaths, ...(this.#dependencies.showsLogs ? ['/logs'] : []), ...kinds.filter((each) => each.group !== '').flatMap((each) => [`/apis/${each.group}`, `/apis/${each.apiVersion}`])])].sort() };
      case '/version':
        return this.#dependencies.version;
      case '/api':
        return apiVersions(this.#dependencies.address());
      case '/apis':
        return apiGroupList(kinds);
      case '/api v2':
      case '/api v2beta1':
        return aggregatedDiscovery(kinds.filter((each) => each.group === ''), key === '/api v2' ? 'v2' : 'v2beta1');
      case '/apis v2':
      case '/apis v2beta1':
        return aggregatedDiscovery(kinds.filter((each) => each.group !== ''), key === '/apis v2' ? 'v2' : 'v2beta1');
      case '/.well-known/openid-configuration':
        return {
          issuer: issuer.issuer, jwks_uri: issuer.settings.jwksUri ?? `${issuer.issuer.replace(/\/$/, '')}/openid/v1/jwks`, response_types_supported: ['id_token'],
          subject_types_supported: ['public'], id_token_signing_alg_values_supported: [...new Set(issuer.keys.map(({ algorithm }) => algorithm))].sort(),
        };
      case '/openid/v1/jwks':
        return { keys: issuer.keys.map(({ publicKey, keyId, algorithm }) => ({ ...publicKey.export({ format: 'jwk' }), use: 'sig', kid: keyId, alg: algorithm })) };
      default:
        return this.#makeByPath(key);
    }
  }

  #makeByPath(path: string): object | undefined {
    const kinds = this.#dependencies.kinds.all();
    const parts = path.split('/').slice(1);
    const hash = this.#dependencies.hashesVersions === false ? undefined : versionHash;
    if (parts[0] === 'api' && parts.length === 2) return apiResourceList(kinds, parts[1] ?? '', hash);
    if (parts[0] === 'apis' && parts.length === 2) return apiGroup(kinds, parts[1] ?? '');
    if (parts[0] === 'apis' && parts.length === 3) return apiResourceList(kinds, `${parts[1] ?? ''}/${parts[2] ?? ''}`, hash);
    return undefined;
  }
}

function pathOf({ info: { path } }: ApiCall): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}

interface AggregatedForm {
  readonly type: 'application/json' | 'application/vnd.kubernetes.protobuf';
  readonly version: DiscoveryVersion;
}

/** The form of aggregated discovery that a client prefers to the plain documents. */
function aggregatedForm(accept: string): AggregatedForm | undefined {
  for (const { type, parameters } of acceptedTypes(accept)) {
    const { as, g, v } = parameters;
    const isKnown = type === 'application/json' || type === 'application/vnd.kubernetes.protobuf';
    if (isKnown && as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && (v === 'v2' || v === 'v2beta1')) return { type, version: v };
    if (as === undefined) return undefined;
  }
  return undefined;
}

function isOpenApi(path: string): boolean {
  return path === '/openapi/v2' || path === '/openapi/v3' || path.startsWith('/openapi/v3/');
}

/** What is served whatever the kinds are. */
const ownPaths = [
  '/.well-known/openid-configuration', '/api', '/api/v1', '/apis', '/apis/', '/flagz', '/metrics', '/openapi/v2', '/openapi/v3', '/openapi/v3/', '/openid/v1/jwks', '/statusz', '/version',
  ...['/healthz', '/livez', '/readyz'].flatMap((path) => [path, `${path}/etcd`, `${path}/ping`]), '/readyz/shutdown',
];

function headersOf(path: string, aggregated: AggregatedForm | undefined): JsonResult['headers'] {
  if (aggregated !== undefined) return { 'content-type': `${aggregated.type};g=apidiscovery.k8s.io;v=${aggregated.version};as=APIGroupDiscoveryList`, vary: 'Accept', 'cache-control': 'public' };
  const type = Object.hasOwn(issuerTypes, path) ? issuerTypes[path] : undefined;
  return type === undefined ? undefined : { 'content-type': type, 'cache-control': 'public, max-age=3600' };
}

/** What says how tokens are verified may be kept for an hour. Source: Kubernetes documentation, "Service account issuer discovery". */
const issuerTypes: Readonly<Record<string, string>> = { '/.well-known/openid-configuration': 'application/json', '/openid/v1/jwks': 'application/jwk-set+json' };

function versionHash(groupVersionKind: string): string {
  return createHash('sha256').update(groupVersionKind).digest().subarray(0, 8).toString('base64');
}
