/* The log: one line an entry on standard error, key=value, never a secret.
 *
 *   2026-01-02T03:04:05.678Z level=info role=worker pid=12 instance=orders action=reload serial=00a1
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/* Names the process in its lines; `role` must live as long as the process. */
void log_start(const char *role);

/* `format` gives the key=value part. Bytes that would end the line or hide text on a terminal are shown as
 * '?'. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
