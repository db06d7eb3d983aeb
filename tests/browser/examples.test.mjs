// The worked cases: one click fills the form, and the figures are those worked out by hand.
import assert from 'node:assert/strict';
import { examples } from './cases.mjs';
import { eventually, visit } from './page.mjs';

for (const { slug, query, bytes, total } of examples) {
  visit(`the example ${slug} fills the form and gives its total`, async page => {
    await page.type('params', '3');
    await page.get(`example-${slug}`).click();
    await page.totals(total);
    assert.deepEqual(await page.parts(), bytes);
    assert.equal(page.query(), query);
    assert.equal(await page.get('notice').isVisible(), false);
    // The inputs agree with a visit that begins with the link.
    const other = await page.another(query);
    assert.deepEqual(await page.values(), await other.values());
  });
}

visit('an example says how to return to the inputs', async page => {
  await page.type('params', '13B');
  await page.addressed('?v=1&params=13B');
  await page.get('example-yolov8').click();
  assert.match(await page.text('status'), /Opened the example\..*back button/);
  await page.page.goBack();
  await eventually(() => page.input('params').inputValue(), '13B');
});

visit('an example brings the calculator into view and keeps the total there', async page => {
  await page.page.locator('#examples').scrollIntoViewIfNeeded();
  await page.page.locator('#examples a[href^="?"]').first().click();
  await page.totals(2_063_104_000);
  await eventually(() => page.get('total').evaluate(element => {
    const { top, bottom } = element.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  }), true);
  await eventually(() => page.input('params').evaluate(element => {
    const { top, bottom } = element.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  }), true);
});
