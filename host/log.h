/*
 * log: the only writer to standard error.
 *
 * Every line passes through redact before it leaves. A status line (the progress of a run) can stand below the log on a
 * terminal; messages are written above it.
 */
#ifndef MOONKEY_LOG_H
#define MOONKEY_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_options {
    enum log_level level; /* messages below it are dropped; LOG_INFO at start */
    enum log_format format;
    bool color; /* the caller has looked at the terminal, NO_COLOR and TERM */
};

void log_configure(const struct log_options *options);
bool log_enabled(enum log_level level);

/* One message; a newline is added. Text form: `moonkey: warning: MESSAGE`. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_text(enum log_level level, const char *text, size_t len);
/* From within a signal handler, or where memory may be out of reach: fixed text, without quotes. JSON form: it has no time. */
void log_from_handler(enum log_level level, const char *text);

/*
 * Keep `line` (UTF-8, no newline, already cut to the terminal's width) as the bottom line of the terminal; NULL takes it
 * away. The caller has made sure that standard error is a terminal.
 */
void log_status(const char *line);
/* While questions stand on the terminal, the status line is kept, but not drawn over them: true and false once for each. */
void log_hold_status(bool hold);
/* Where somebody types on the terminal: `before` makes room for a message, `after` shows again what was there. NULL, NULL ends
 * it. */
void log_around(void (*before)(void), void (*after)(void));

/* "debug", "info", "warn", "error", "off" to a level; -1 for anything else. */
int log_level_from_name(const char *name);

#endif
