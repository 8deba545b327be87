import { pictures } from "./pictures";

export const metrics = {
  title: "Metrics",
  range: "Time",
  days: (days: number) => `${days} days`,
  incomplete: (counted: string) =>
    `There were more pictures in this time than are counted at once: these numbers are of the newest ${counted}.`,

  empty: "Nothing to count",
  emptyDetail: (days: number) => `No picture came in the last ${days} days.`,
  upload: "Upload pictures",

  pictures: "Pictures",
  perDay: (perDay: string) => `${perDay} a day`,
  success: "Success",
  noneEnded: "None has ended yet",
  ofEnded: (succeeded: string, ended: string) => `${succeeded} of ${ended} that have ended`,

  daily: "Pictures a day",
  dailySummary: (total: number, first: string, last: string, most: string, busiest: string) =>
    `${pictures.count(total)} from ${first} to ${last}, at most ${most} on ${busiest}.`,
  day: (day: string, all: string, succeeded: string, failed: string) =>
    `${day}: ${all} in all, ${succeeded} done, ${failed} failed`,
  succeeded: "Done",
  other: "Not taken, blocked or in process",
  failed: "Failed",
  utc: "Days are in UTC.",
  table: "Show as a table",
  tableName: "Pictures a day, newest first",
  date: "Date",
  all: "All",

  steps: "Time of each step",
  stepsDetail: "Half of the pictures take at most the median, 95 of 100 at most the 95th percentile.",
  step: "Step",
  noSteps: "No step has ended in this time.",
  median: "Median",
  p95: "95th percentile",

  statuses: "By status",
  cloud: "What they show",
  noLabels: "No labels in this time.",
  label: (name: string, count: number) => `${name}: ${pictures.count(count)}`,
};
