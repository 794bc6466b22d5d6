import { type Row, targetOf } from "../kit/row.ts";
import { type Report, valueOf } from "../kit/report.ts";
import { runProgram } from "../kit/run-program.ts";
import { summarize } from "../kit/statistics.ts";

/** How much more one event may cost where there are more of them, or more who read them. */
const atMost = 1.25;
const timesMeasured = 3;

interface Point {
  readonly label: string;
  readonly arguments: readonly string[];
}

const subscriberPoints = (manner: string): readonly Point[] =>
  [
    { count: 1, events: 200_000 },
    { count: 10, events: 50_000 },
    { count: 100, events: 10_000 },
    { count: 1000, events: 3000 },
  ].map(({ count, events }) => ({
    label: `${count.toLocaleString("en")} ${count === 1 ? "subscriber" : "subscribers"}`,
    arguments: ["subscribers", String(count), String(events), manner],
  }));

const historyPoints: readonly Point[] = [0, 10_000, 100_000, 1_000_000].map((count) => ({
  label: `${count.toLocaleString("en")} events of history`,
  arguments: ["history", String(count), "50000"],
}));

/** What an event costs as subscribers and history grow; it should not. */
export async function growth(): Promise<readonly Row[]> {
  const deliveries = async (name: string, manner: string): Promise<readonly Row[]> => {
    const points = subscriberPoints(manner);
    // What a single subscriber adds is too little, beside the turn itself, to be the measure of the others.
    return curve(name, points, await measure(points), "usPerDelivery", 1);
  };
  const history = await measure(historyPoints);
  return [
    ...(await deliveries("a delivery", "following")),
    ...(await deliveries("a delivery with back-pressure", "holding")),
    ...curve("an event to one consumer", historyPoints, history, "usPerEvent"),
    ...curve("a replayed event", historyPoints.slice(1), history.slice(1), "usPerReplay"),
  ];
}

/** The reports of each point; the points take turns. */
async function measure(points: readonly Point[]): Promise<readonly (readonly Report[])[]> {
  const reports = points.map((): Report[] => []);
  for (let time = 0; time < timesMeasured; time += 1) {
    for (const [index, point] of points.entries()) {
      const nodeArguments = ["--max-old-space-size=4096"];
      const options = { arguments: point.arguments, nodeArguments, timeoutMs: 120_000 };
      reports[index]?.push(await runProgram("event-cost", options));
    }
  }
  return reports;
}

/** Compares each point with the one at `base`, the floor of the others. */
function curve(
  name: string,
  points: readonly Point[],
  reports: readonly (readonly Report[])[],
  value: string,
  base = 0,
): readonly Row[] {
  const samples = reports.map((ofPoint) => ofPoint.map((report) => valueOf(report, value)));
  const floor = summarize(samples[base] ?? []);
  return points.map(({ label }, index): Row => {
    const values = samples[index] ?? [];
    const row: Row = { name: `${name}: ${label}`, unit: "µs", subject: summarize(values) };
    if (index <= base) return row;
    const comparison = {
      kind: "ratio",
      ...summarize(values.map((sample) => sample / floor.median)),
    } as const;
    const target = targetOf({ atMost }, comparison.median);
    return { ...row, floor, comparison, ...(target === undefined ? {} : { target }) };
  });
}
