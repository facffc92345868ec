/** Everything that is served besides resources: discovery, OpenAPI, the version, token keys. */
import { createHash } from 'node:crypto';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '#apimachinery/discovery.ts';
import { openApiV2, openApiV3, openApiV3Index } from '#apimachinery/openapi.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import type { ServiceAccountKey } from '#pki/service-account-key.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import { bodyKinds } from '../request/served-kinds.ts';
import { descriptionsVersion, withDescriptions } from './descriptions.ts';
import { versionInfo } from './version.ts';

export interface DocumentDependencies {
  readonly kinds: ServedKinds;
  readonly issuer: TokenIssuer;
  readonly serviceAccountKey: ServiceAccountKey;
  /** Where clients reach the server, `host:port`. */
  readonly address: () => string;
}

/**
 * Documents are made when first asked for and again when the served kinds change; those of OpenAPI, which are large and
 * seldom asked for, each time.
 */
export class Documents {
  readonly #dependencies: DocumentDependencies;
  #made = new Map<string, object | undefined>();
  #generation = -1;

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
    const path = call.info.path.length > 1 ? call.info.path.replace(/\/$/, '') : call.info.path;
    const openApi = this.#openApiAt(path);
    if (openApi !== undefined) return { is: 'json', code: 200, body: await withDescriptions(openApi) };
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

  #openApiAt(path: string): JsonObject | undefined {
    if (path === '/openapi/v2') return openApiV2(this.#dependencies.kinds.all(), bodyKinds);
    if (path.startsWith('/openapi/v3/')) return openApiV3(this.#dependencies.kinds.all(), path.slice('/openapi/v3/'.length), bodyKinds);
    return undefined;
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
      case '/openapi/v3':
        return openApiV3Index(kinds, (origin) => createHash('sha512').update(JSON.stringify([origin, descriptionsVersion()])).digest('hex').toUpperCase());
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

function versionHash(groupVersionKind: string): string {
  return createHash('sha256').update(groupVersionKind).digest().subarray(0, 8).toString('base64');
}
