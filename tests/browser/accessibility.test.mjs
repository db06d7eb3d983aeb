// axe-core finds nothing, in any state of the page.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { phone, plain, visit, wide } from './page.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function check(page) {
  await page.page.evaluate(axe);
  // Colours on their way from one theme to the other are no colours of either.
  await page.page.evaluate(() => Promise.allSettled(document.getAnimations().map(animation => animation.finished)));
  const violations = await page.page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations);
  const found = violations.map(({ id, nodes }) => {
    const [first] = nodes;
    return `${id}, ${nodes.length} times, first at ${first.target}: ${first.failureSummary.replace(/\s+/g, ' ')}`;
  });
  assert.deepEqual(found, []);
}

const everything = 'precision=fp16&optimizer=custom&device=custom&workspace=10&context=500&master_weights=yes';

const states = {
  'as it opens': async () => {},
  'with all help and all work open': async page => {
    for (const button of await page.page.getByRole('button', { name: /^(About|(Show|Hide) the work)/ }).all()) await button.click();
    for (const details of await page.page.locator('#guide details').all()) await details.evaluate(element => { element.open = true; });
  },
  'with errors shown': async page => {
    await page.fill({ params: 'lots', batch: '0', workspace: '99' });
    await page.get('stale').waitFor();
  },
  'after a reset and a copy': async page => {
    await page.get('reset').click();
    await page.get('copy-link').click();
    await page.get('undo').waitFor();
  },
};

for (const colorScheme of ['light', 'dark']) {
  for (const viewport of [wide, phone]) {
    const place = `${colorScheme} at ${viewport.width} px`;
    for (const [state, act] of Object.entries(states)) {
      visit(`axe finds nothing ${state}, ${place}`, { colorScheme, viewport, query: `?${everything}` }, async page => {
        await act(page);
        await check(page);
      });
    }
    visit(`axe finds nothing in an embedded view with its inputs open, ${place}`, { colorScheme, viewport, query: `?embed=1&${everything}` }, async page => {
      await check(page);
      await page.page.getByText('Inputs', { exact: true }).click();
      await page.type('params', 'lots');
      await page.get('stale').waitFor();
      await check(page);
    });
  }
}

visit('axe finds nothing with the other theme picked', { colorScheme: 'dark' }, async page => {
  await page.get('toggle-theme').click();
  await check(page);
});

for (const [verdict, params] of [['fits', '110M'], ['tight', '760M'], ['does-not-fit', '7B']]) {
  for (const colorScheme of ['light', 'dark']) {
    visit(`axe finds nothing when the verdict is ${verdict} in ${colorScheme} colours`, { colorScheme, query: `?params=${params}` }, async page => {
      await page.page.locator(`[data-verdict="${verdict}"]`).waitFor();
      await check(page);
    });
  }
}

visit('axe finds nothing in a notice', { query: '?params=lots' }, async page => {
  await check(page);
});

visit('every control has a label, and every group a name', async page => {
  for (const [label, id] of [['Parameters', 'params'], ['Parameter precision', 'precision'], ['Batch size', 'batch'],
    ['Sequence length', 'sequence-length'], ['Optimizer', 'optimizer'], ['Device', 'device'], ['Workspace', 'workspace']]) {
    const labelled = page.page.getByLabel(label, { exact: true }).and(page.page.locator('input, select'));
    assert.equal(await labelled.getAttribute('data-testid'), `input-${id}`);
  }
  assert.equal(await page.page.getByRole('radiogroup', { name: 'Task' }).count(), 1);
  assert.equal(await page.page.getByRole('switch', { name: 'Realistic overheads' }).count(), 1);
});

visit('clicking a label focuses its input', async page => {
  await page.page.getByText('Batch size', { exact: true }).click();
  assert.equal(await page.input('batch').evaluate(element => element === document.activeElement), true);
});

visit('the verdict does not rest on colour alone', async page => {
  const signs = new Set();
  for (const params of ['110M', '760M', '7B']) {
    await page.type('params', params);
    await page.page.waitForTimeout(50);
    signs.add((await page.text('fit'))[0]);
  }
  assert.equal(signs.size, 3);
});

visit('colours and lines hold in forced colours', { forcedColors: 'active' }, async page => {
  assert.equal(await page.get('total').isVisible(), true);
  assert.equal(plain(await page.get('total').innerText()), '1.92 GiB');
  await check(page);
});

visit('nothing moves for who asked for that', { reducedMotion: 'reduce' }, async page => {
  const moving = await page.page.evaluate(() => [...document.querySelectorAll('#app *')]
    .filter(element => getComputedStyle(element).transitionDuration !== '0s' || getComputedStyle(element).animationName !== 'none').length);
  assert.equal(moving, 0);
});
