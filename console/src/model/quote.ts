/** Values in other languages: what a client is told to type must be one value there, whatever is in it. */

const plain = /^[\w.,:/@%+=-]+$/;

/** An argument of a shell. */
export function shell(text: string): string {
  if (plain.test(text)) return text;
  return /["$`\\!]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`;
}

/** A value in one of libpq's connection strings. */
export function libpq(value: string): string {
  return plain.test(value) && !value.includes("=") ? value : `'${value.replace(/[\\']/g, "\\$&")}'`;
}

/** A value in a .NET connection string. */
export function quoted(value: string): string {
  return plain.test(value) && !value.includes("=") ? value : `"${value.replaceAll('"', '""')}"`;
}

/** A value among the `name=value;` of Microsoft's JDBC driver. */
export function braced(value: string): string {
  return plain.test(value) ? value : `{${value.replaceAll("}", "}}")}}`;
}

/** A text in JavaScript, Python or Go. */
export const literal = JSON.stringify as (text: string) => string;

/** A part of an address. */
export const inUrl = encodeURIComponent;
