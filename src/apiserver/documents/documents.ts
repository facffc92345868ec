/** Everything that is served besides resources: discovery, OpenAPI, the version, token keys. */
import { createHash } from 'node:crypto';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '#apimachinery/discovery.ts';
import type { Clock } from '#base/clock.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import type { ServiceAccountKey } from '#pki/service-account-key.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import type { OpenApiDocuments } from './openapi-answer.ts';
import { versionInfo } from './version.ts';

export interface DocumentDependencies {
  readonly kinds: ServedKinds;
  readonly issuer: TokenIssuer;
  readonly serviceAccountKey: ServiceAccountKey;
  /** Where clients reach the server, `host:port`. */
  readonly address: () => string;
  readonly clock: Clock;
}

/**
 * Documents are made when first asked for and again when the served kinds change; those of OpenAPI, which are large and
 * seldom asked for, each time.
 */
export class Documents {
  readonly #dependencies: DocumentDependencies;
  #made = new Map<string, object | undefined>();
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
    const key = call.accept.includes('as=APIGroupDiscoveryList') && (path === '/api' || path === '/apis') ? `${path} aggregated` : path;
    if (!this.#made.has(key)) this.#made.set(key, this.#make(key));
    const body = this.#made.get(key);
    if (body === undefined) return undefined;
    const isAggregated = key !== path;
    return {
      is: 'json',
      code: 200,
      body,
      ...(isAggregated && { headers: { 'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', vary: 'Accept' } }),
    };
  }

  /**
   * What is sent of a document that `find` found, or that was added to or made elsewhere since: OpenAPI documents in the
   * form asked for, others as they are.
   */
  async finish(call: ApiCall, found: ApiResult | undefined, result: ApiResult | undefined): Promise<ApiResult | undefined> {
    const path = pathOf(call);
    if (result?.is !== 'json' || result.code !== 200 || !isOpenApi(path)) return result;
    const isOwn = found?.is === 'json' && found.body === result.body;
    return (await this.#openApiDocuments()).answer(call, path, result.body as JsonObject, isOwn);
  }

  /** Loaded only when somebody asks. */
  #openApiDocuments(): Promise<OpenApiDocuments> {
    return (this.#openApi ??= import('./openapi-answer.ts').then((loaded) => new loaded.OpenApiDocuments(this.#dependencies)));
  }

  #make(key: string): object | undefined {
    const { issuer, serviceAccountKey } = this.#dependencies;
    const kinds = this.#dependencies.kinds.all();
    switch (key) {
      case '/':
        return { paths: ['/api', '/api/v1', '/apis', ...new Set(kinds.filter((each) => each.group !== '').flatMap((each) => [`/apis/${each.group}`, `/apis/${each.apiVersion}`])), '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] };
      case '/version':
        return versionInfo;
      case '/api':
        return apiVersions(this.#dependencies.address());
      case '/apis':
        return apiGroupList(kinds);
      case '/api aggregated':
        return aggregatedDiscovery(kinds.filter((each) => each.group === ''));
      case '/apis aggregated':
        return aggregatedDiscovery(kinds.filter((each) => each.group !== ''));
      case '/.well-known/openid-configuration':
        return {
          issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/openid/v1/jwks`, response_types_supported: ['id_token'],
          subject_types_supported: ['public'], id_token_signing_alg_values_supported: [serviceAccountKey.algorithm],
        };
      case '/openid/v1/jwks':
        return { keys: [{ ...serviceAccountKey.publicKey.export({ format: 'jwk' }), use: 'sig', kid: serviceAccountKey.keyId, alg: serviceAccountKey.algorithm }] };
      default:
        return this.#makeByPath(key);
    }
  }

  #makeByPath(path: string): object | undefined {
    const kinds = this.#dependencies.kinds.all();
    const parts = path.split('/').slice(1);
    if (parts[0] === 'api' && parts.length === 2) return apiResourceList(kinds, parts[1] ?? '', versionHash);
    if (parts[0] === 'apis' && parts.length === 2) return apiGroup(kinds, parts[1] ?? '');
    if (parts[0] === 'apis' && parts.length === 3) return apiResourceList(kinds, `${parts[1] ?? ''}/${parts[2] ?? ''}`, versionHash);
    return undefined;
  }
}

function pathOf({ info: { path } }: ApiCall): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}

function isOpenApi(path: string): boolean {
  return path === '/openapi/v2' || path === '/openapi/v3' || path.startsWith('/openapi/v3/');
}

function versionHash(groupVersionKind: string): string {
  return createHash('sha256').update(groupVersionKind).digest().subarray(0, 8).toString('base64');
}
