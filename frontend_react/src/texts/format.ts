const LOCALE = "en";

const dateTime = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const time = new Intl.DateTimeFormat(LOCALE, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", timeZone: "UTC" });
const number = new Intl.NumberFormat(LOCALE);
const percent = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

const RELATIVE_UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

const BYTE_UNITS = ["B", "kB", "MB", "GB"];

/** An ISO 8601 timestamp as a local date and time. */
export const formatDateTime = (timestamp: string): string => dateTime.format(new Date(timestamp));

/** A time of day, from milliseconds since 1970. */
export const formatTime = (timestamp: number): string => time.format(timestamp);

/** A date such as 2026-11-21 as day and month. */
export const formatDay = (date: string): string => day.format(new Date(date));

export const formatNumber = (value: number): string => number.format(value);

/** A share from 0 to 1. */
export const formatShare = (share: number): string => percent.format(share);

/** How long ago an ISO 8601 timestamp is. */
export function formatAgo(timestamp: string, now = Date.now()): string {
  const elapsed = new Date(timestamp).getTime() - now;
  const unit = RELATIVE_UNITS.find(([, ms]) => Math.abs(elapsed) >= ms);
  return unit ? relative.format(Math.round(elapsed / unit[1]), unit[0]) : "just now";
}

/** A duration: under a second in milliseconds, else in seconds or minutes. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) {
    return `${Math.round(ms)} ms`;
  }
  if (ms < 59_950) {
    return `${(ms / 1_000).toFixed(1)} s`;
  }
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A size in powers of 1000, as file managers show it. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), BYTE_UNITS.length - 1);
  const value = bytes / 1_000 ** power;
  return `${power && value < 10 ? value.toFixed(1) : Math.round(value)} ${BYTE_UNITS[power]}`;
}
