/* log: see log.h. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "jsontext.h"
#include "redact.h"

enum { MESSAGE_MAX = 1 << 20, SPARE = 2048, STATUS_MAX = 4096 };

/* A byte becomes at most six, and there are the level, the time and the status line around them. */
#define MOST_ESCAPED(len) ((size_t)(len)*6 + STATUS_MAX + 256)

static struct log_options options = {.level = LOG_INFO};
static struct buf status = {.cap = STATUS_MAX};
static int status_held; /* by so many questions */
static void (*make_room)(void), (*show_again)(void);

static const struct {
    const char *name, *shown, *color;
} levels[] = {
    [LOG_DEBUG] = {"debug", "debug: ", "\033[2m"},
    [LOG_INFO] = {"info", "", ""},
    [LOG_WARN] = {"warn", "warning: ", "\033[33m"},
    [LOG_ERROR] = {"error", "", "\033[31m"},
    [LOG_OFF] = {"off", "", ""},
};

void log_configure(const struct log_options *new_options)
{
    options = *new_options;
}

bool log_enabled(enum log_level level)
{
    return level >= options.level && level < LOG_OFF;
}

int log_level_from_name(const char *name)
{
    for (int i = LOG_DEBUG; i <= LOG_OFF; i++)
        if (strcmp(levels[i].name, name) == 0)
            return i;
    return -1;
}

/* Standard error may be a pipe that fills up: write all of it, give up only on an error that will not pass. */
static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, len);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

static void append_json(struct buf *out, enum log_level level, const struct buf *text)
{
    int64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char stamp[32];
    gmtime_r(&seconds, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    buf_printf(out, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"message\":", stamp, (int)(ms % 1000), levels[level].name);
    json_quote(out, buf_text(text), text->len);
    buf_puts(out, "}\n");
}

/* A message that came from elsewhere must not steer the terminal: control characters other than newline and tab are shown. */
static void append_plain(struct buf *out, const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_putc(out, (char)c);
    }
}

static void append_text(struct buf *out, enum log_level level, const struct buf *text)
{
    const char *color = options.color ? levels[level].color : "";
    buf_printf(out, "%smoonkey: %s", color, levels[level].shown);
    append_plain(out, text);
    buf_puts(out, *color ? "\033[0m\n" : "\n");
}

static void write_message(enum log_level level, const struct buf *text, struct buf *out)
{
    bool drawn = status.len && !status_held;
    if (make_room)
        make_room();
    if (drawn)
        buf_puts(out, "\r\033[K");
    if (status_held && isatty(STDERR_FILENO))
        buf_putc(out, '\n'); /* not on the line of the question */
    if (options.format == LOG_FORMAT_JSON)
        append_json(out, level, text);
    else
        append_text(out, level, text);
    if (drawn)
        buf_append(out, status.data, status.len);
    write_all(buf_text(out), out->len);
    if (show_again)
        show_again();
}

/* Without memory a message is said all the same, as far as there is room for it here. */
static void write_spare(enum log_level level, const char *text, size_t len)
{
    static char room[SPARE], escaped_room[MOST_ESCAPED(SPARE)];
    struct buf clean = {.data = room, .size = sizeof room, .cap = sizeof room - 1};
    struct buf out = {.data = escaped_room, .size = sizeof escaped_room, .cap = sizeof escaped_room - 1};
    redact_append(&clean, text, len);
    write_message(level, &clean, &out);
    explicit_bzero(room, sizeof room);
    explicit_bzero(escaped_room, sizeof escaped_room);
}

void log_text(enum log_level level, const char *text, size_t len)
{
    if (!log_enabled(level))
        return;
    struct buf clean, out;
    buf_init(&clean, MESSAGE_MAX);
    buf_init(&out, MOST_ESCAPED(MESSAGE_MAX));
    if (redact_append(&clean, text, len) != BUF_NOMEM && buf_reserve(&out, MOST_ESCAPED(clean.len)) == BUF_OK)
        write_message(level, &clean, &out);
    else
        write_spare(level, text, len);
    buf_wipe(&clean);
    buf_wipe(&out);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0) {
        log_text(level, text, (size_t)len);
        explicit_bzero(text, (size_t)len);
        free(text);
        return;
    }
    char some[SPARE];
    va_start(args, format);
    vsnprintf(some, sizeof some, format, args);
    va_end(args);
    log_text(level, some, strlen(some));
    explicit_bzero(some, sizeof some);
}

void log_from_handler(enum log_level level, const char *text)
{
    bool json = options.format == LOG_FORMAT_JSON;
    const char *begin = json ? "{\"level\":\"" : "moonkey: ", *name = json ? levels[level].name : levels[level].shown;
    const char *middle = json ? "\",\"message\":\"" : "", *end = json ? "\"}\n" : "\n";
    if (!log_enabled(level))
        return;
    if (status.len && !status_held)
        write_all("\n", 1); /* the status line stays, above */
    write_all(begin, strlen(begin));
    write_all(name, strlen(name));
    write_all(middle, strlen(middle));
    write_all(text, strlen(text));
    write_all(end, strlen(end));
}

void log_status(const char *line)
{
    if (!line && !status.len)
        return;
    buf_reset(&status);
    if (line)
        redact_append(&status, line, strlen(line));
    if (!status_held) {
        write_all("\r\033[K", 4);
        write_all(buf_text(&status), status.len);
    }
    if (!line)
        buf_free(&status);
}

void log_hold_status(bool hold)
{
    if (status.len && hold && status_held == 0)
        write_all("\r\033[K", 4);
    status_held += hold ? 1 : -1;
}

void log_around(void (*before)(void), void (*after)(void))
{
    make_room = before;
    show_again = after;
}
