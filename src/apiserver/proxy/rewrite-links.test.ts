import assert from 'node:assert/strict';
import test from 'node:test';
import { rewriteLinks } from './rewrite-links.ts';

const place = { base: '/api/v1/namespaces/default/pods/web/proxy', host: 'web:80' };

test('links of a page that stay on its server lead through the proxy', () => {
  assert.equal(rewriteLinks('<a href="/rewriteme">test</a>', place), `<a href="${place.base}/rewriteme">test</a>`);
  assert.equal(rewriteLinks("<IMG alt='/x' SRC='/i.png'/><link href=\"http://web:80/s.css\">", place), `<IMG alt='/x' SRC='${place.base}/i.png'/><link href="${place.base}/s.css">`);
});

test('other links, and what only looks like one, stay as they are', () => {
  for (const html of ['<a href="relative">', '<a href="https://example.com/x">', '<a href="//example.com/x">', '<p href="/x">', `<a href="${place.base}/x">`, 'a < b > "/c"', '<!-- <']) assert.equal(rewriteLinks(html, place), html);
});
