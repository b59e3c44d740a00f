/**
 * SPDX documents: always the same bytes, well formed for any package names, and as SPDX 2.3 wants them. No npm
 * package ships the published JSON schema, so `spdx-rules.ts` says in zod what the specification's text says;
 * whoever has the published one hands it in with PCLOUD_SPDX_SCHEMA.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import { packagesOfSpdx, renderSpdx, spdxNamespace } from '../../model/spdx.ts';
import type { SpdxImage } from '../../model/spdx.ts';
import { sampleAssemblyImage, sampleJeosImage } from './spdx-sample.ts';
import { spdxRules } from './spdx-rules.ts';

const anyPackage = fc.record({
  name: fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[a-b+_-]{1,3}$/)),
  version: fc.string(),
  architecture: fc.constantFrom('amd64', 'all', 'x86_64', '(none)'),
});
const anyImage: fc.Arbitrary<SpdxImage> = fc
  .record({
    packages: fc.array(anyPackage, { maxLength: 30 }),
    base: fc.constantFrom(sampleJeosImage, sampleAssemblyImage),
  })
  .map(({ packages, base }) => ({ ...base, packages }));

for (const [name, image] of [
  ['jeos', sampleJeosImage],
  ['assembly', sampleAssemblyImage],
] as const)
  test(`the document of the sample ${name} is the golden one`, () => {
    const file = new URL(`../golden/model/${name}.spdx.json`, import.meta.url);
    const text = renderSpdx(image);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      assert.equal(process.env['CI'], undefined, 'goldens are not updated in CI');
      writeFileSync(file, text);
    }
    assert.equal(text, readFileSync(file, 'utf8'));
  });

test('documents keep the rules of the text of SPDX 2.3, for any packages (the published JSON schema is not in this repository)', () => {
  for (const image of [sampleJeosImage, sampleAssemblyImage]) spdxRules.parse(JSON.parse(renderSpdx(image)));
  fc.assert(fc.property(anyImage, (image) => void spdxRules.parse(JSON.parse(renderSpdx(image)))));
});

test('the rules refuse what SPDX 2.3 does not allow', () => {
  const sample = (): Record<string, unknown> => JSON.parse(renderSpdx(sampleAssemblyImage)) as never;
  const wrong: readonly Record<string, unknown>[] = [
    { ...sample(), dataLicense: 'MIT' },
    { ...sample(), documentNamespace: 'https://example.org/x#y' },
    { ...sample(), surprise: true },
    { ...sample(), relationships: [] },
    { ...sample(), packages: [] },
    { ...sample(), externalDocumentRefs: [] },
  ];
  for (const document of wrong) assert.ok(!spdxRules.safeParse(document).success);
});

const schemaFile = process.env['PCLOUD_SPDX_SCHEMA'];
test(
  'documents pass the published JSON schema of SPDX 2.3',
  {
    skip:
      schemaFile === undefined &&
      'PCLOUD_SPDX_SCHEMA names no spdx-schema.json of 2.3 (schemas/ of github.com/spdx/spdx-spec, tag v2.3)',
  },
  () => {
    const schema = JSON.parse(readFileSync(schemaFile ?? '', 'utf8')) as { readonly $id?: string };
    assert.equal(schema.$id, 'http://spdx.org/rdf/terms/2.3', 'this is another schema');
    const validate = new Ajv({ allErrors: true }).compile(schema);
    const check = (image: SpdxImage): void => {
      const valid = validate(JSON.parse(renderSpdx(image)));
      assert.ok(valid, JSON.stringify(validate.errors?.slice(0, 3)));
    };
    for (const image of [sampleJeosImage, sampleAssemblyImage]) check(image);
    fc.assert(fc.property(anyImage, check));
    assert.ok(!validate({ ...(JSON.parse(renderSpdx(sampleJeosImage)) as object), surprise: true }));
  },
);

test('the order in which packages are told, and telling one twice, changes nothing', () => {
  fc.assert(
    fc.property(anyImage, fc.nat(), (image, seed) => {
      const packages = [...image.packages, ...image.packages.slice(0, seed % 3)].sort(
        (left, right) => ((left.name.length * seed) % 7) - ((right.name.length * seed) % 7),
      );
      assert.equal(renderSpdx({ ...image, packages }), renderSpdx(image));
    }),
  );
});

test('another disk is another document, and the JEOS is referred to by the name that its own document has', () => {
  const { digest, disk } = sampleJeosImage;
  assert.notEqual(spdxNamespace(digest, disk.sha256), spdxNamespace(digest, 'f'.repeat(64)));
  const jeos = JSON.parse(renderSpdx(sampleJeosImage)) as { documentNamespace: string };
  const assembly = JSON.parse(renderSpdx(sampleAssemblyImage)) as {
    externalDocumentRefs: readonly { spdxDocument: string }[];
  };
  assert.equal(assembly.externalDocumentRefs[0]?.spdxDocument, jeos.documentNamespace);
});

test('the packages come back out of the document', () => {
  assert.deepEqual(packagesOfSpdx(renderSpdx(sampleAssemblyImage)), [
    { name: 'glibc', version: '2.12-1.212.el6', architecture: 'i686' },
    { name: 'glibc', version: '2.12-1.212.el6', architecture: 'x86_64' },
    { name: 'gpg-pubkey', version: 'c105b9de-4e0fd3a3', architecture: null },
    { name: 'httpd', version: '2.2.15-69.el6.centos', architecture: 'x86_64' },
    { name: 'kernel', version: '2.6.32-754.35.1.el6', architecture: 'x86_64' },
    { name: 'kernel', version: '2.6.32-754.el6', architecture: 'x86_64' },
  ]);
  assert.throws(() => packagesOfSpdx('{"spdxVersion":"SPDX-2.2","packages":[]}'));
  assert.throws(() => packagesOfSpdx('{"spdxVer'), SyntaxError);
});
