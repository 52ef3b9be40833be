// The report's figures against scikit-learn, and the page itself: nothing of a user's text gets out of its place.
import { readFileSync } from "node:fs";
import { harmlessHtml } from "@anymc3d/core/errors";
import { describe, expect, test } from "vitest";
import { reliability, rocCurve } from "../src/metrics/curves.js";
import { confusion, crossTable } from "../src/metrics/decisions.js";
import { chart } from "../src/report/charts.js";

const read = (name: string) => JSON.parse(readFileSync(new URL(`reference/${name}`, import.meta.url), "utf8"));
const data: { labels: number[]; scores: number[] }[] = read("metrics.json");
const expected: {
  sets: { fpr: number[]; tpr: number[]; observed: number[]; predicted: number[]; confusion: number[] }[];
  classes: number[];
  probabilities: number[][];
  matrix: number[][];
} = read("curves.json");

describe.each(data.map((each, i) => [i, each, expected.sets[i]] as const))("data set %i", (_, { labels, scores }, wanted) => {
  test("ROC points", () => {
    const points = rocCurve(labels, scores);
    expect(points.map(({ falsePositiveRate }) => falsePositiveRate)).toEqual(wanted.fpr.map((value) => expect.closeTo(value, 12)));
    expect(points.map(({ sensitivity }) => sensitivity)).toEqual(wanted.tpr.map((value) => expect.closeTo(value, 12)));
  });

  test("reliability bins", () => {
    const bins = reliability(labels, scores);
    expect(bins.map(({ observed }) => observed)).toEqual(wanted.observed.map((value) => expect.closeTo(value, 10)));
    expect(bins.map(({ predicted }) => predicted)).toEqual(wanted.predicted.map((value) => expect.closeTo(value, 10)));
    expect(bins.reduce((sum, { n }) => sum + n, 0)).toBe(labels.length);
  });

  test("confusion at .4", () => {
    const { truePositives, falsePositives, falseNegatives, trueNegatives } = confusion(
      labels,
      scores.map((score) => Number(score >= 0.4)),
    );
    expect([truePositives, falsePositives, falseNegatives, trueNegatives]).toEqual(wanted.confusion);
  });
});

test("confusion matrix of three classes", () => {
  const decided = expected.probabilities.map((row) => row.indexOf(Math.max(...row)));
  expect(crossTable(expected.classes, decided, 3)).toEqual(expected.matrix);
});

test("one class: no ROC curve", () => expect(rocCurve([1, 1], [0.2, 0.3])).toEqual([]));

test("a chart puts points where the axes say, and escapes names", () => {
  const svg = chart({
    label: 'a "chart"',
    x: { title: "x<y", domain: [0, 10] },
    y: { title: "y", domain: [0, 1] },
    lines: [
      {
        name: "<b>",
        points: [
          [0, 0],
          [10, 1],
          [5, 0.5],
        ],
      },
    ],
  });
  // Plot area: x 48 … 348, y 218 … 12.
  expect(svg).toContain('points="48.0,218.0 348.0,12.0 198.0,115.0"');
  expect(svg).toContain("x&lt;y");
  expect(svg).toContain("&lt;b&gt;");
  expect(svg).toContain('aria-label="a &quot;chart&quot;"');
  expect(harmlessHtml(`<a href='x'>&"`)).toBe("&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
});
